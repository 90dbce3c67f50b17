-- Decision: a paper that is set aside stays visible with its reason; none disappears.
with considered as (
    select
        considered.paper_id,
        considered.author_id,
        works.cited_by_count
    from {{ ref('int_papers_considered') }} as considered
    inner join {{ ref('int_works') }} as works on considered.paper_id = works.work_id
),

shown as (
    select
        paper_id,
        author_id,
        cited_by_count
    from {{ ref('fct_papers') }}
    union all
    select
        paper_id,
        author_id,
        cited_by_count
    from {{ ref('fct_papers_set_aside') }}
)

{{ find_differences('considered', 'shown') }}
