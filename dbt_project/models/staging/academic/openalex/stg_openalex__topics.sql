{{ config(materialized='table') }}

with source as (
    select * from {{ source('openalex', 'topics') }}
),

parsed as (
    select
        id as topic_id,
        updated_at,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "display_name": "VARCHAR",
            "description": "VARCHAR",
            "subfield": {"id": "VARCHAR", "display_name": "VARCHAR"},
            "field": {"id": "VARCHAR", "display_name": "VARCHAR"},
            "domain": {"id": "VARCHAR", "display_name": "VARCHAR"}
        }') as topic
    from source
),

renamed as (
    select
        -- ids
        topic_id,
        topic.subfield.id as subfield_id,
        topic.field.id as field_id,
        topic.domain.id as domain_id,

        -- text
        topic.display_name as topic_name,
        topic.description as description,
        topic.subfield.display_name as subfield_name,
        topic.field.display_name as field_name,
        topic.domain.display_name as domain_name,

        -- timestamps
        updated_at,

        -- where the record came from
        load_id,
        record_hash
    from parsed
)

select * from renamed
