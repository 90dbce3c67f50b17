-- Decision: dim_dates holds whole years, and all years between two that are less than a century apart: a
-- report by day, month or year has no gap, and one wrong date does not add centuries.
with years as (
    select
        year_number,
        lead(year_number) over (order by year_number) as next_year_number,
        count(*) as day_count,
        min(date_day) as first_day,
        max(date_day) as last_day
    from {{ ref('dim_dates') }}
    group by year_number
)

select *
from years
where
    first_day != make_date(year_number, 1, 1)
    or last_day != make_date(year_number, 12, 31)
    or day_count != last_day - first_day + 1
    or next_year_number - year_number between 2 and 99
