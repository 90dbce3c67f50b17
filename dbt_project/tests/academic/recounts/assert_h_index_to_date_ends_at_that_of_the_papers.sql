-- Decision: an h-index to date counts the kept papers so far, with the citations of today.
with recounted as (
    select
        author_id,
        cited_by_count,
        count(*) over (
            partition by author_id
            order by cited_by_count desc
            range between unbounded preceding and current row
        ) as as_often_cited
    from {{ ref('fct_papers') }}
),

expected as (
    select
        author_id,
        max(case when cited_by_count < as_often_cited then cited_by_count else as_often_cited end) as h_index
    from recounted
    group by author_id
),

author_years as (
    select
        author_id,
        h_index_to_date,
        lead(h_index_to_date) over career as next_h_index
    from {{ ref('fct_author_years') }}
    window career as (
        partition by author_id
        order by publication_year
    )
)

select author_years.*
from author_years
left join expected on author_years.author_id = expected.author_id
where
    author_years.next_h_index < author_years.h_index_to_date
    or (author_years.next_h_index is null and author_years.h_index_to_date is distinct from expected.h_index)
