{{ config(materialized='table') }}

with source as (
    select * from {{ source('openalex', 'roster') }}
),

parsed as (
    select
        id as author_id,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "orcid": "VARCHAR",
            "display_name": "VARCHAR",
            "department": "VARCHAR",
            "college": "VARCHAR",
            "position": "VARCHAR",
            "first_publication_year": "INTEGER",
            "group_url": "VARCHAR",
            "has_research_group": "BOOLEAN",
            "is_member": "BOOLEAN"
        }') as member
    from source
),

renamed as (
    select
        -- ids
        author_id,
        member.orcid as orcid,

        -- text
        member.display_name as author_name,
        member.department as department,
        member.college as college,
        member.position as position,
        member.group_url as group_url,

        -- numerics
        member.first_publication_year as first_publication_year,

        -- booleans
        member.has_research_group as has_research_group,
        member.is_member as is_member,

        -- where the record came from
        load_id,
        record_hash
    from parsed
)

select * from renamed
