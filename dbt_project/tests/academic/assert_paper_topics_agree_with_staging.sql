-- Decision: every topic of a kept paper is in the bridge, once.
with expected as (
    select distinct
        topics.work_id as paper_id,
        topics.topic_id
    from {{ ref('stg_openalex__work_topics') }} as topics
    inner join {{ ref('fct_papers') }} as papers on topics.work_id = papers.paper_id
    where topics.topic_id is not null
),

found as (
    select
        paper_id,
        topic_id
    from {{ ref('bridge_paper_topics') }}
)

{{ find_differences('expected', 'found') }}
