with source as (
    select * from {{ ref('base_openalex__works') }}
),

unnested as (
    select
        work_id,
        unnest(work.authorships) as authorship,
        generate_subscripts(work.authorships, 1) as authorship_rank
    from source
),

renamed as (
    select
        -- ids
        work_id,
        authorship.author.id as author_id,

        -- text
        authorship.author.display_name as author_name,
        authorship.author.orcid as orcid,
        authorship.author_position as author_position,

        -- numerics
        cast(authorship_rank as integer) as authorship_rank,

        -- booleans
        coalesce(authorship.is_corresponding, false) as is_corresponding
    from unnested
)

select * from renamed
