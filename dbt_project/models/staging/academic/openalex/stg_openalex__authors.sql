{{ config(materialized='table') }}

with source as (
    select * from {{ source('openalex', 'authors') }}
),

parsed as (
    select
        id as author_id,
        updated_at,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "orcid": "VARCHAR",
            "display_name": "VARCHAR",
            "works_count": "BIGINT",
            "cited_by_count": "BIGINT",
            "summary_stats": {"h_index": "INTEGER"},
            "last_known_institutions": [{
                "id": "VARCHAR",
                "display_name": "VARCHAR",
                "ror": "VARCHAR",
                "country_code": "VARCHAR",
                "type": "VARCHAR"
            }]
        }') as author
    from source
),

renamed as (
    select
        -- ids
        author_id,
        author.orcid as orcid,
        author.last_known_institutions[1].id as last_known_institution_id,
        author.last_known_institutions[1].ror as last_known_institution_ror,

        -- text
        author.display_name as author_name,
        author.last_known_institutions[1].display_name as last_known_institution_name,
        author.last_known_institutions[1].country_code as last_known_institution_country_code,
        author.last_known_institutions[1].type as last_known_institution_type,

        -- numerics
        author.works_count as works_count,
        author.cited_by_count as cited_by_count,
        author.summary_stats.h_index as h_index,

        -- timestamps
        updated_at,

        -- where the record came from
        load_id,
        record_hash
    from parsed
)

select * from renamed
