-- Decision: the marts agree with each other; a year's coauthors are the rows of fct_coauthorships.
with coauthorships as (
    select
        author_id,
        publication_year,
        count(*) as coauthor_count,
        sum(case when is_new_collaboration then 1 else 0 end) as new_coauthor_count,
        sum(case when is_new_collaboration then 0 else 1 end) as returning_coauthor_count,
        sum(case when age_category = 'younger' then 1 else 0 end) as younger_count,
        sum(case when age_category = 'same' then 1 else 0 end) as same_age_count,
        sum(case when age_category = 'older' then 1 else 0 end) as older_count
    from {{ ref('fct_coauthorships') }}
    group by author_id, publication_year
),

author_years as (
    select
        author_id,
        publication_year,
        coauthor_count,
        new_coauthor_count,
        returning_coauthor_count,
        younger_count,
        same_age_count,
        older_count
    from {{ ref('fct_author_years') }}
    where coauthor_count > 0
)

{{ find_differences('coauthorships', 'author_years') }}
