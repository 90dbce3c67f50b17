select
    -- ids
    author_id,

    -- text
    department,
    college,
    position,
    membership_status,

    -- numerics
    membership_rank,

    -- booleans
    is_main,

    -- dates
    member_from,
    member_until
from {{ ref('int_author_memberships') }}
