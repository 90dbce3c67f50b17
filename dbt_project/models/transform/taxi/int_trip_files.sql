with files as (
    select * from {{ ref('stg_taxi__files') }}
),

set_aside as (
    select
        file_name,
        count(*) as trip_count
    from {{ ref('int_trips_set_aside') }}
    group by file_name
)

select
    files.file_name,
    files.address,
    files.colour,
    files.file_month,
    files.file_format,
    files.status,
    files.reason,
    files.size_bytes,
    files.row_count,
    files.distinct_row_count,
    files.row_count - coalesce(set_aside.trip_count, 0) as kept_trip_count,
    coalesce(set_aside.trip_count, 0) as set_aside_trip_count,
    files.read_seconds,
    files.first_pickup_time,
    files.last_pickup_time,
    files.modified_at,
    files.loaded_at
from files
left join set_aside on files.file_name = set_aside.file_name
