with memberships as (
    select * from {{ ref('stg_openalex__memberships') }}
),

loads as (
    select * from {{ ref('int_loads') }}
),

dated as (
    select
        memberships.*,
        case
            when memberships.member_from > loads.loaded_date then 'coming'
            when memberships.member_until < loads.loaded_date then 'past'
            else 'current'
        end as membership_status,
        greatest(
            memberships.member_from - loads.loaded_date, loads.loaded_date - memberships.member_until, 0
        ) as days_away
    from memberships
    cross join loads
)

select
    author_id,
    department,
    college,
    position,
    membership_status,
    membership_rank,
    row_number() over (
        partition by author_id
        order by
            array_position(['current', 'past', 'coming'], membership_status),
            days_away,
            membership_rank
    ) = 1 as is_main,
    member_from,
    member_until
from dated
