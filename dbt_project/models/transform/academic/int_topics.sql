with work_topics as (
    select * from {{ ref('stg_openalex__work_topics') }}
    where topic_id is not null
),

works as (
    select * from {{ ref('int_works') }}
),

topics as (
    select * from {{ ref('stg_openalex__topics') }}
),

newest as (
    select work_topics.*
    from work_topics
    inner join works on work_topics.work_id = works.work_id
    qualify row_number() over (
        partition by work_topics.topic_id
        order by works.updated_at desc nulls last, work_topics.work_id
    ) = 1
),

work_counts as (
    select
        work_topics.topic_id,
        count(distinct work_topics.work_id) as work_count
    from work_topics
    inner join works on work_topics.work_id = works.work_id
    group by work_topics.topic_id
)

select
    newest.topic_id,
    coalesce(newest.subfield_id, topics.subfield_id) as subfield_id,
    coalesce(newest.field_id, topics.field_id) as field_id,
    coalesce(newest.domain_id, topics.domain_id) as domain_id,
    coalesce(newest.topic_name, topics.topic_name, newest.topic_id) as topic_name,
    topics.description,
    coalesce(newest.subfield_name, topics.subfield_name) as subfield_name,
    coalesce(newest.field_name, topics.field_name) as field_name,
    coalesce(newest.domain_name, topics.domain_name) as domain_name,
    cast(work_counts.work_count as integer) as work_count
from newest
inner join work_counts on newest.topic_id = work_counts.topic_id
left join topics on newest.topic_id = topics.topic_id
