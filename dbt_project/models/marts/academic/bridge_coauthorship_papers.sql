{{ config(indexes=[
    {'columns': ['paper_id', 'author_id']},
    {'columns': ['coauthor_id']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    author_id,
    coauthor_id,
    paper_id,

    -- numerics
    publication_year
from {{ ref('int_coauthorship_papers') }}
