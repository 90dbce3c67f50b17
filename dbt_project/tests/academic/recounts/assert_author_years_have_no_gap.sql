-- Decision: a career has a row for every year from its first kept paper to its last; papers dated after the
-- load add their own years alone.
with numbered as (
    select distinct
        author_id,
        publication_year,
        is_future_dated
    from {{ ref('fct_papers') }}
),

present as (
    select
        author_id,
        min(publication_year) as first_year,
        max(publication_year) as last_year
    from numbered
    where not is_future_dated
    group by author_id
),

later as (
    select
        numbered.author_id,
        min(numbered.publication_year) as first_year,
        max(numbered.publication_year) as last_year,
        count(distinct numbered.publication_year) as year_count
    from numbered
    left join present on numbered.author_id = present.author_id
    where numbered.is_future_dated and numbered.publication_year > coalesce(present.last_year, 0)
    group by numbered.author_id
),

papers as (
    select
        coalesce(present.author_id, later.author_id) as author_id,
        coalesce(present.first_year, later.first_year) as first_year,
        coalesce(later.last_year, present.last_year) as last_year,
        coalesce(present.last_year - present.first_year + 1, 0) + coalesce(later.year_count, 0) as year_count
    from present
    full outer join later on present.author_id = later.author_id
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
