-- Decision: a pseudonym stands for enough people, counted again here.
with published as (
    select author_id from {{ ref('pseudonymous_authors') }}
),

counted as (
    select
        group_id,
        count(distinct author_id) as person_count
    from {{ ref('pseudonymous_memberships') }}
    group by group_id
)

select published.author_id
from published
left join counted on published.author_id = counted.group_id
where coalesce(counted.person_count, 0) < {{ smallest_group() }}
