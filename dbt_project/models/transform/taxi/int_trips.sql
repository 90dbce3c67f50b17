-- A view: int_trips_checked holds the rows.
{{ config(materialized='view') }}

with trips as (
    select * from {{ ref('int_trips_checked') }}
    where broken_rule is null
),

set_aside as (
    select * from {{ ref('int_trips_set_aside') }}
),

passed as (
    select
        trips.*,
        date_diff('second', trips.pickup_time, trips.dropoff_time) as duration_seconds
    from trips
    anti join set_aside on trips.file_name = set_aside.file_name and trips.row_number = set_aside.row_number
)

select
    passed.trip_key,
    passed.pickup_zone_id,
    passed.dropoff_zone_id,
    passed.colour,
    pickups.borough_name as pickup_borough,
    dropoffs.borough_name as dropoff_borough,
    coalesce(vendors.vendor_name, 'Unknown') as vendor_name,
    coalesce(rate_codes.rate_code_name, 'Unknown') as rate_code_name,
    coalesce(payments.payment_name, 'Unknown') as payment_name,
    passed.passenger_count,
    passed.distance_miles,
    passed.fare_amount,
    passed.tip_amount,
    passed.tolls_amount,
    passed.total_amount,
    passed.duration_seconds / 60.0 as duration_minutes,
    passed.distance_miles * 3600 / nullif(passed.duration_seconds, 0) as speed_mph,
    cast(passed.fare_amount as double) / passed.distance_miles as fare_per_mile,
    cast(passed.tip_amount as double) / nullif(cast(passed.total_amount as double), 0) as tip_share,
    coalesce(passed.store_and_forward_flag = 'Y', false) as is_stored_and_forwarded,
    pickups.service_zone = 'Airports'
    or dropoffs.service_zone = 'Airports'
    or coalesce(passed.airport_amount, 0) > 0
        as is_airport_trip,
    coalesce(passed.cbd_congestion_amount, 0) > 0 as is_in_congestion_zone,
    passed.passenger_count is not null as has_passenger_count,
    passed.pickup_time,
    passed.dropoff_time
from passed
left join {{ ref('stg_taxi__zones') }} as pickups on passed.pickup_zone_id = pickups.zone_id
left join {{ ref('stg_taxi__zones') }} as dropoffs on passed.dropoff_zone_id = dropoffs.zone_id
left join {{ ref('taxi_vendors') }} as vendors on passed.vendor_id = vendors.vendor_id
left join {{ ref('taxi_rate_codes') }} as rate_codes on passed.rate_code_id = rate_codes.rate_code_id
left join {{ ref('taxi_payments') }} as payments on passed.payment_type_id = payments.payment_type_id
