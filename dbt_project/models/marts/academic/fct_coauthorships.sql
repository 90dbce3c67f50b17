{{ config(indexes=[
    {'columns': ['coauthor_id']},
    {'columns': ['publication_year']},
    {'columns': ['author_institution_id']},
    {'columns': ['coauthor_institution_id']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    author_id,
    coauthor_id,
    author_institution_id,
    coauthor_institution_id,

    -- text
    author_institution,
    coauthor_institution,
    shared_institution,
    age_category,

    -- numerics
    publication_year,
    collaboration_count,
    collaboration_count_to_date,
    author_first_publication_year,
    author_age,
    coauthor_first_publication_year,
    coauthor_age,
    age_difference,

    -- booleans
    is_new_collaboration,
    is_large_collaboration,
    is_roster_coauthor,

    -- dates
    publication_date
from {{ ref('int_coauthorships') }}
