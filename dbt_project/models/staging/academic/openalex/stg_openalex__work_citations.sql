with source as (
    select * from {{ ref('base_openalex__works') }}
),

unnested as (
    select
        work_id,
        unnest(work.counts_by_year) as year_count
    from source
),

renamed as (
    select
        -- ids
        work_id,

        -- numerics
        year_count.year as citation_year,
        coalesce(year_count.cited_by_count, 0) as citation_count
    from unnested
)

select * from renamed
