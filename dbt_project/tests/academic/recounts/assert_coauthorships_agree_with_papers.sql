-- Decision: the marts agree with each other; an author's coauthors add up to those of the papers.
with papers as (
    select
        author_id,
        publication_year,
        sum(coauthor_count) as collaboration_count
    from {{ ref('fct_papers') }}
    where coauthor_count > 0
    group by author_id, publication_year
),

coauthorships as (
    select
        author_id,
        publication_year,
        sum(collaboration_count) as collaboration_count
    from {{ ref('fct_coauthorships') }}
    group by author_id, publication_year
)

{{ find_differences('papers', 'coauthorships') }}
