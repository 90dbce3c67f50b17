with authorship_institutions as (
    select * from {{ ref('stg_openalex__authorship_institutions') }}
    where institution_id is not null
),

works as (
    select * from {{ ref('int_works') }}
),

authors as (
    select * from {{ ref('stg_openalex__authors') }}
    where last_known_institution_id is not null
),

met as (
    select author_id from {{ ref('int_authors') }}
),

institutions as (
    select * from {{ ref('stg_openalex__institutions') }}
),

mentions as (
    select
        authorship_institutions.institution_id,
        authorship_institutions.institution_name,
        authorship_institutions.ror,
        authorship_institutions.country_code,
        authorship_institutions.institution_type,
        works.updated_at,
        authorship_institutions.work_id as mentioned_by,
        authorship_institutions.work_id
    from authorship_institutions
    inner join works on authorship_institutions.work_id = works.work_id
    union all
    select
        authors.last_known_institution_id,
        authors.last_known_institution_name,
        authors.last_known_institution_ror,
        authors.last_known_institution_country_code,
        authors.last_known_institution_type,
        authors.updated_at,
        authors.author_id as mentioned_by,
        null as work_id
    from authors
    inner join met on authors.author_id = met.author_id
),

work_counts as (
    select
        institution_id,
        count(distinct work_id) as work_count
    from mentions
    group by institution_id
),

newest as (
    select * from mentions
    qualify row_number() over (
        partition by institution_id
        order by updated_at desc nulls last, mentioned_by
    ) = 1
)

select
    newest.institution_id,
    coalesce(newest.ror, institutions.ror) as ror,
    coalesce(
        newest.institution_name, institutions.institution_name, newest.institution_id
    ) as institution_name,
    coalesce(newest.institution_type, institutions.institution_type) as institution_type,
    coalesce(newest.country_code, institutions.country_code) as country_code,
    institutions.country,
    institutions.city,
    institutions.homepage_url,
    institutions.latitude_degrees,
    institutions.longitude_degrees,
    cast(work_counts.work_count as integer) as work_count
from newest
inner join work_counts on newest.institution_id = work_counts.institution_id
left join institutions on newest.institution_id = institutions.institution_id
