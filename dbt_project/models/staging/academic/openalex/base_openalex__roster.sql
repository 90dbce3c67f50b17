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
            "memberships": [{
                "department": "VARCHAR",
                "college": "VARCHAR",
                "position": "VARCHAR",
                "member_from": "DATE",
                "member_until": "DATE"
            }],
            "department": "VARCHAR",
            "college": "VARCHAR",
            "position": "VARCHAR",
            "first_publication_year": "INTEGER",
            "group_url": "VARCHAR",
            "has_research_group": "BOOLEAN",
            "group_size": "INTEGER",
            "is_professor": "BOOLEAN",
            "is_member": "BOOLEAN"
        }') as member
    from source
)

select * from parsed
