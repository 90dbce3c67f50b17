with work_topics as (
    select * from {{ ref('stg_openalex__work_topics') }}
    where topic_id is not null
),

papers as (
    select * from {{ ref('int_papers_ranked') }}
)

select
    papers.paper_id,
    work_topics.topic_id,
    work_topics.topic_score,
    work_topics.topic_rank
from work_topics
inner join papers on work_topics.work_id = papers.paper_id
qualify row_number() over (
    partition by papers.paper_id, work_topics.topic_id
    order by work_topics.topic_rank
) = 1
