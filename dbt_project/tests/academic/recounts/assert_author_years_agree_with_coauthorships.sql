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
        sum(case when age_category = 'older' then 1 else 0 end) as older_count,
        sum(
            case when age_category = 'younger' then collaboration_count else 0 end
        ) as younger_collaboration_count,
        sum(
            case when age_category = 'same' then collaboration_count else 0 end
        ) as same_age_collaboration_count,
        sum(
            case when age_category = 'older' then collaboration_count else 0 end
        ) as older_collaboration_count,
        sum(case when shared_institution is null then 0 else 1 end) as same_institution_coauthor_count,
        max(author_institution_id) as author_institution_id,
        max(author_institution) as author_institution
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
        older_count,
        younger_collaboration_count,
        same_age_collaboration_count,
        older_collaboration_count,
        same_institution_coauthor_count,
        author_institution_id,
        author_institution
    from {{ ref('fct_author_years') }}
    where coauthor_count > 0
)

{{ find_differences('coauthorships', 'author_years') }}
