select
    -- ids
    file_name,

    -- text
    reason,
    rule_description,

    -- numerics
    trip_count,
    trip_share
from {{ ref('int_trip_quality') }}
