-- Whole years without a gap, from the first to the last in which a paper was published.
with bounds as (
    select
        date_trunc('year', min(publication_date)) as first_day,
        date_trunc('year', max(publication_date)) + interval 1 year - interval 1 day as last_day
    from {{ ref('int_works') }}
    where exclusion_reason is null
),

days as (
    select cast(unnest(generate_series(first_day, last_day, interval 1 day)) as date) as date_day
    from bounds
    where first_day is not null
)

select
    date_day,
    dayname(date_day) as day_name,
    monthname(date_day) as month_name,
    cast(year(date_day) as integer) as year_number,
    cast(quarter(date_day) as integer) as quarter_number,
    cast(month(date_day) as integer) as month_number,
    cast(day(date_day) as integer) as day_of_month,
    cast(dayofyear(date_day) as integer) as day_of_year,
    cast(isodow(date_day) as integer) as iso_day_of_week,
    cast(isoyear(date_day) as integer) as iso_year,
    cast(weekofyear(date_day) as integer) as iso_week,
    isodow(date_day) >= 6 as is_weekend
from days
