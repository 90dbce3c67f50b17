-- Decision: a career has a row for every year from its first kept paper to its last.
with papers as (
    select
        author_id,
        min(publication_year) as first_year,
        max(publication_year) as last_year,
        max(publication_year) - min(publication_year) + 1 as year_count
    from {{ ref('fct_papers') }}
    group by author_id
),

author_years as (
    select
        author_id,
        min(publication_year) as first_year,
        max(publication_year) as last_year,
        count(*) as year_count
    from {{ ref('fct_author_years') }}
    group by author_id
)

{{ find_differences('papers', 'author_years') }}
