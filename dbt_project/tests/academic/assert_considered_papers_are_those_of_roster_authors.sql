-- Decision: every work is judged for each roster author on it, and kept only if it has a DOI, a title, a date
-- and a kept type.
with expected as (
    select
        works.work_id as paper_id,
        authorships.author_id,
        kept_types.work_type is not null
        and works.doi is not null
        and works.title is not null
        and works.publication_year is not null
        and works.publication_date is not null as is_eligible
    from {{ ref('int_works') }} as works
    inner join {{ ref('int_authorships') }} as authorships on works.work_id = authorships.work_id
    left join {{ ref('work_types_kept') }} as kept_types on works.work_type = kept_types.work_type
    where authorships.is_roster_author
),

found as (
    select
        paper_id,
        author_id,
        coalesce(set_aside_reason, '')
        not in ('no_doi', 'no_title', 'work_type_not_kept', 'no_publication_date') as is_eligible
    from {{ ref('int_papers_considered') }}
)

{{ find_differences('expected', 'found') }}
