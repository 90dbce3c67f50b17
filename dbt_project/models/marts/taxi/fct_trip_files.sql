select
    -- ids
    file_name,

    -- text
    address,
    colour,
    file_month,
    file_format,
    status,
    reason,

    -- numerics
    size_bytes,
    row_count,
    distinct_row_count,
    kept_trip_count,
    set_aside_trip_count,
    read_seconds,

    -- times
    first_pickup_time,
    last_pickup_time,
    modified_at,
    loaded_at
from {{ ref('int_trip_files') }}
