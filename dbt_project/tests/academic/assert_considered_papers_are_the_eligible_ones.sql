-- Decision: papers have a DOI, a title, a date and a kept type; each counts for every roster author on it.
with expected as (
    select
        works.work_id as paper_id,
        authorships.author_id
    from {{ ref('int_works') }} as works
    inner join {{ ref('int_authorships') }} as authorships on works.work_id = authorships.work_id
    inner join {{ ref('work_types_kept') }} as kept_types on works.work_type = kept_types.work_type
    where
        authorships.is_roster_author
        and works.doi is not null
        and works.title is not null
        and works.publication_year is not null
        and works.publication_date is not null
),

found as (
    select
        paper_id,
        author_id
    from {{ ref('int_papers_considered') }}
)

{{ find_differences('expected', 'found') }}
