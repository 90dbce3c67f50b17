-- Decision: dim_dates holds whole years, so that a report by day, month or year has no hole.
with years as (
    select
        min(date_day) as first_day,
        max(date_day) as last_day,
        count(*) as day_count
    from {{ ref('dim_dates') }}
)

select *
from years
where
    last_day - first_day + 1 != day_count
    or extract(doy from first_day) != 1
    or extract(month from last_day) != 12
    or extract(day from last_day) != 31
