{{ config(indexes=[
    {'columns': ['publication_year']},
    {'columns': ['author_institution_id']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    author_id,
    author_institution_id,

    -- text
    author_institution,

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
    younger_collaboration_count,
    same_age_collaboration_count,
    older_collaboration_count,
    share_younger,
    same_institution_coauthor_count,
    distinct_institution_count,
    mean_coauthors_per_paper,
    h_index_to_date
from {{ ref('int_author_years') }}
