{{ config(indexes=[
    {'columns': ['topic_id']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    paper_id,
    topic_id,

    -- numerics
    topic_rank,
    topic_score
from {{ ref('int_paper_topics') }}
