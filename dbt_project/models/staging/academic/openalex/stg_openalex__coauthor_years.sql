with source as (
    select * from {{ source('openalex', 'coauthor_years') }}
),

parsed as (
    select
        id as author_id,
        updated_at as asked_at,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "status": "VARCHAR",
            "answer": {"group_by": [{"key": "VARCHAR", "count": "BIGINT"}]}
        }') as lookup
    from source
),

-- Impossible years are errors of a record; OpenAlex's key for works without a year is -111.
dated as (
    select
        *,
        list_filter(
            list_transform(lookup.answer.group_by, lambda each: try_cast(each.key as integer)),
            lambda each: each between 1900 and year(asked_at at time zone 'UTC') + 1
        ) as publication_years
    from parsed
),

renamed as (
    select
        -- ids
        author_id,

        -- text
        lookup.status as lookup_status,

        -- numerics
        list_min(publication_years) as first_publication_year,
        list_max(publication_years) as last_publication_year,

        -- timestamps
        asked_at,

        -- where the record came from
        load_id,
        record_hash
    from dated
)

select * from renamed
