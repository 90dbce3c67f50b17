-- Decision: the marts agree with each other; a career's years add up to the papers of fct_papers.
with papers as (
    select
        author_id,
        publication_year,
        count(*) as paper_count,
        sum(cited_by_count) as citation_count,
        sum(coauthor_count) as collaboration_count
    from {{ ref('fct_papers') }}
    group by author_id, publication_year
),

author_years as (
    select
        author_id,
        publication_year,
        paper_count,
        citation_count,
        round(paper_count * mean_coauthors_per_paper) as collaboration_count
    from {{ ref('fct_author_years') }}
    where paper_count > 0
)

{{ find_differences('papers', 'author_years') }}
