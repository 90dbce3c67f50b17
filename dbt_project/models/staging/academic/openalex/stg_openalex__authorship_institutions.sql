with source as (
    select * from {{ ref('base_openalex__works') }}
),

authorships as (
    select
        work_id,
        unnest(work.authorships) as authorship,
        generate_subscripts(work.authorships, 1) as authorship_rank
    from source
),

unnested as (
    select
        work_id,
        authorship_rank,
        unnest(authorship.institutions) as institution,
        generate_subscripts(authorship.institutions, 1) as institution_rank
    from authorships
),

renamed as (
    select
        -- ids
        work_id,
        institution.id as institution_id,
        institution.ror as ror,

        -- text
        institution.display_name as institution_name,
        institution.country_code as country_code,
        institution.type as institution_type,

        -- numerics
        cast(authorship_rank as integer) as authorship_rank,
        cast(institution_rank as integer) as institution_rank
    from unnested
)

select * from renamed
