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
        loads.loaded_date
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
    -- the current one; else the one that ended last; else the one that begins first; of several the file's first
    row_number() over (
        partition by author_id
        order by
            array_position(['current', 'past', 'coming'], membership_status),
            case membership_status when 'past' then loaded_date - member_until when 'coming' then member_from - loaded_date end,
            membership_rank
    ) = 1 as is_main,
    member_from,
    member_until
from dated
