{{ config(indexes=[
    {'columns': ['publication_year']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    author_id,

    -- numerics
    publication_year,
    author_age,
    paper_count,
    citation_count,
    coauthor_count,
    new_coauthor_count,
    returning_coauthor_count,
    younger_count,
    same_age_count,
    older_count,
    share_younger,
    distinct_institution_count,
    mean_coauthors_per_paper,
    h_index_to_date
from {{ ref('int_author_years') }}
