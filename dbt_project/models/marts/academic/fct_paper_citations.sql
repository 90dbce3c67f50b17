{{ config(indexes=[
    {'columns': ['citation_year']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    paper_id,

    -- numerics
    citation_year,
    citation_count
from {{ ref('int_paper_citations') }}
