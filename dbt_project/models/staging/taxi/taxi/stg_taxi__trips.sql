-- One schema for all years: numbers are whole again, money is in cents.
with source as (
    select * from {{ source('taxi', 'trips') }}
),

files as (
    select
        file_name,
        colour,
        cast(file_month || '-01' as timestamp) as month_start
    from {{ ref('stg_taxi__files') }}
),

vendors as (
    select
        vendor_id,
        earlier_name
    from {{ ref('taxi_vendors') }}
    where earlier_name is not null
),

payments as (
    select
        earlier_name,
        payment_type_id
    from {{ ref('taxi_earlier_payments') }}
),

renamed as (
    select
        -- ids
        source.file_name,
        source.row_number,
        coalesce(cast(source.vendor_id as integer), vendors.vendor_id) as vendor_id,
        cast(source.rate_code_id as integer) as rate_code_id,
        cast(source.pickup_zone_id as integer) as pickup_zone_id,
        cast(source.dropoff_zone_id as integer) as dropoff_zone_id,
        coalesce(cast(source.payment_type as integer), payments.payment_type_id) as payment_type_id,
        cast(source.trip_type as integer) as trip_type_id,

        -- text
        files.colour,
        nullif(source.store_and_fwd_flag, '') as store_and_forward_flag,

        -- numerics
        cast(source.passenger_count as integer) as passenger_count,
        source.trip_distance as distance_miles,
        cast(source.fare_amount as decimal(12, 2)) as fare_amount,
        cast(source.extra as decimal(12, 2)) as extra_amount,
        cast(source.mta_tax as decimal(12, 2)) as mta_tax_amount,
        cast(source.tip_amount as decimal(12, 2)) as tip_amount,
        cast(source.tolls_amount as decimal(12, 2)) as tolls_amount,
        cast(source.ehail_fee as decimal(12, 2)) as ehail_amount,
        cast(source.improvement_surcharge as decimal(12, 2)) as improvement_amount,
        cast(source.congestion_surcharge as decimal(12, 2)) as congestion_amount,
        cast(source.airport_fee as decimal(12, 2)) as airport_amount,
        cast(source.cbd_congestion_fee as decimal(12, 2)) as cbd_congestion_amount,
        cast(source.total_amount as decimal(12, 2)) as total_amount,

        -- times
        files.month_start,
        source.pickup_datetime as pickup_time,
        source.dropoff_datetime as dropoff_time
    from source
    inner join files on source.file_name = files.file_name
    left join vendors on upper(source.vendor_name) = vendors.earlier_name
    left join payments on upper(source.payment_name) = payments.earlier_name
)

select * from renamed
