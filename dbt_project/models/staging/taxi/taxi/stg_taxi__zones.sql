with source as (
    select * from {{ source('taxi', 'zones') }}
),

renamed as (
    select
        -- ids
        cast(location_id as integer) as zone_id,

        -- text
        zone as zone_name,
        borough as borough_name,
        service_zone
    from source
)

select * from renamed
