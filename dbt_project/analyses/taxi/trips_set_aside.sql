with files as (
    select sum(row_count) as trips
    from marts.fct_trip_files
)

select
    quality.reason,
    quality.rule_description as meaning,
    cast(sum(quality.trip_count) as bigint) as trips,
    count(distinct case when quality.trip_count > 0 then quality.file_name end) as files,
    round(
        cast(100.0 * sum(quality.trip_count) as numeric) / cast(max(files.trips) as numeric), 2
    ) as percent_of_trips
from marts.fct_trip_quality as quality
cross join files
group by quality.reason, quality.rule_description
order by sum(quality.trip_count) desc, quality.reason
