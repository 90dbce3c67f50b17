-- Raw also keeps the works of former members, and those that have left OpenAlex. The marts follow today's
-- roster and what OpenAlex holds now.
with works as (
    select * from {{ ref('stg_openalex__works') }}
),

left_works as (
    select statuses.work_id
    from {{ ref('stg_openalex__work_statuses') }} as statuses
    inner join {{ ref('work_statuses') }} as kinds on statuses.work_status = kinds.work_status
    where kinds.has_left
),

roster as (
    select * from {{ ref('stg_openalex__roster') }}
    where is_member
),

authorships as (
    select * from {{ ref('stg_openalex__authorships') }}
),

loads as (
    select * from {{ ref('int_loads') }}
),

kept_types as (
    select * from {{ ref('work_types_kept') }}
),

roster_works as (
    select distinct authorships.work_id
    from authorships
    inner join roster on authorships.author_id = roster.author_id
),

author_counts as (
    select
        work_id,
        count(*) as authorship_count
    from authorships
    group by work_id
),

cleaned as (
    select
        works.* exclude (title),
        nullif({{ strip_markup('works.title') }}, '') as title,
        cast(coalesce(author_counts.authorship_count, 0) as integer) as authorship_count,
        {{ is_large('coalesce(author_counts.authorship_count, 0)') }} as is_large_collaboration,
        coalesce(works.publication_date > loads.loaded_date, false)
        or coalesce(works.publication_year > loads.loaded_year, false) as is_future_dated
    from works
    cross join loads
    inner join roster_works on works.work_id = roster_works.work_id
    left join author_counts on works.work_id = author_counts.work_id
    where works.work_id not in (select left_works.work_id from left_works)
),

judged as (
    select
        cleaned.*,
        case
            when cleaned.doi is null then 'no_doi'
            when cleaned.title is null then 'no_title'
            when kept_types.work_type is null then 'work_type_not_kept'
            when cleaned.publication_year is null or cleaned.publication_date is null
                then 'no_publication_date'
        end as exclusion_reason
    from cleaned
    left join kept_types on cleaned.work_type = kept_types.work_type
)

select * from judged
