with source as (
    select * from {{ ref('base_openalex__works') }}
),

-- a primary topic that the list lacks counts as its last
completed as (
    select
        work_id,
        case
            when
                work.primary_topic.id is null
                or list_contains(list_transform(work.topics, lambda topic: topic.id), work.primary_topic.id)
                then work.topics
            else list_append(work.topics, work.primary_topic)
        end as topics
    from source
),

unnested as (
    select
        work_id,
        unnest(topics) as topic,
        generate_subscripts(topics, 1) as topic_rank
    from completed
),

renamed as (
    select
        -- ids
        work_id,
        topic.id as topic_id,
        topic.subfield.id as subfield_id,
        topic.field.id as field_id,
        topic.domain.id as domain_id,

        -- text
        topic.display_name as topic_name,
        topic.subfield.display_name as subfield_name,
        topic.field.display_name as field_name,
        topic.domain.display_name as domain_name,

        -- numerics
        cast(topic_rank as integer) as topic_rank,
        topic.score as topic_score
    from unnested
)

select * from renamed
