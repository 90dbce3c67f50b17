-- Decision: every work of today's roster reaches transform, also if the marts leave it out. Works that
-- OpenAlex merged or deleted do not.
with members as (
    select id as author_id
    from {{ source('openalex', 'roster') }}
    where cast(document ->> '$.is_member' as boolean)
),

listed as (
    select
        id as work_id,
        coalesce(cast(document ->> '$.cited_by_count' as bigint), 0) as cited_by_count,
        unnest(document ->> '$.authorships[*].author.id') as author_id
    from {{ source('openalex', 'works') }}
),

expected as (
    select distinct
        listed.work_id,
        listed.cited_by_count
    from listed
    inner join members on listed.author_id = members.author_id
    left join {{ source('openalex', 'work_statuses') }} as statuses on listed.work_id = statuses.work_id
    left join {{ ref('work_statuses') }} as kinds on statuses.status = kinds.work_status
    where not coalesce(kinds.has_left, false)
),

found as (
    select
        work_id,
        cited_by_count
    from {{ ref('int_works') }}
)

{{ find_differences('expected', 'found') }}
