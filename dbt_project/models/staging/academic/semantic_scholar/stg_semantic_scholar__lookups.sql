with source as (
    select * from {{ source('semantic_scholar', 'lookups') }}
),

renamed as (
    select
        -- ids
        id as doi_name,
        document ->> '$.paper_id' as semantic_scholar_paper_id,

        -- text
        document ->> '$.status' as lookup_status,

        -- timestamps
        updated_at as asked_at,

        -- where the record came from
        _dlt_load_id as load_id,
        record_hash
    from source
)

select * from renamed
