-- Decision: every collaboration can be opened; its papers are the rows of bridge_coauthorship_papers.
with papers as (
    select
        author_id,
        coauthor_id,
        publication_year,
        count(distinct paper_id) as collaboration_count
    from {{ ref('bridge_coauthorship_papers') }}
    group by author_id, coauthor_id, publication_year
),

coauthorships as (
    select
        author_id,
        coauthor_id,
        publication_year,
        collaboration_count
    from {{ ref('fct_coauthorships') }}
)

{{ find_differences('papers', 'coauthorships') }}
