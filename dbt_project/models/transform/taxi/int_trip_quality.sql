with files as (
    select
        file_name,
        row_count
    from {{ ref('stg_taxi__files') }}
    where row_count > 0
),

counts as (
    select
        file_name,
        reason,
        count(*) as trip_count
    from {{ ref('int_trips_set_aside') }}
    group by file_name, reason
)

select
    files.file_name,
    rules.reason,
    rules.rule_description,
    coalesce(counts.trip_count, 0) as trip_count,
    coalesce(counts.trip_count, 0) / cast(files.row_count as double) as trip_share
from files
cross join {{ ref('taxi_rules') }} as rules
left join counts on files.file_name = counts.file_name and rules.reason = counts.reason
