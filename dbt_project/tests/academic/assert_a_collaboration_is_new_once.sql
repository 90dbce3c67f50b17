-- Decision: a collaboration is new in the first year of a shared kept paper, and counts continue from there.
with pairs as (
    select
        author_id,
        coauthor_id,
        min(publication_year) as first_year,
        min(case when is_new_collaboration then publication_year end) as new_year,
        sum(case when is_new_collaboration then 1 else 0 end) as new_count,
        sum(collaboration_count) as collaboration_count,
        max(collaboration_count_to_date) as collaboration_count_to_date
    from {{ ref('fct_coauthorships') }}
    group by author_id, coauthor_id
)

select *
from pairs
where
    new_count != 1
    or new_year != first_year
    or collaboration_count != collaboration_count_to_date
