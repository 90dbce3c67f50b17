{{ config(materialized='table') }}

with source as (
    select * from {{ source('openalex', 'institutions') }}
),

parsed as (
    select
        id as institution_id,
        updated_at,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "ror": "VARCHAR",
            "display_name": "VARCHAR",
            "country_code": "VARCHAR",
            "type": "VARCHAR",
            "homepage_url": "VARCHAR",
            "geo": {
                "city": "VARCHAR",
                "country": "VARCHAR",
                "latitude": "DOUBLE",
                "longitude": "DOUBLE"
            }
        }') as institution
    from source
),

renamed as (
    select
        -- ids
        institution_id,
        institution.ror as ror,

        -- text
        institution.display_name as institution_name,
        institution.country_code as country_code,
        institution.type as institution_type,
        institution.homepage_url as homepage_url,
        institution.geo.city as city,
        institution.geo.country as country,

        -- numerics
        institution.geo.latitude as latitude_degrees,
        institution.geo.longitude as longitude_degrees,

        -- timestamps
        updated_at,

        -- where the record came from
        load_id,
        record_hash
    from parsed
)

select * from renamed
