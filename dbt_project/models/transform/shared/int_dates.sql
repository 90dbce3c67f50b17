-- Whole years: those in which a paper was published, and those between two such that lie less than a century
-- apart. One mistaken date, of year 1 or 9999, adds its own year and not the millions of days up to it.
with published_years as (
    select distinct cast(year(publication_date) as integer) as year_number
    from {{ ref('int_works') }}
    where exclusion_reason is null
),

spans as (
    select
        year_number as first_year,
        lead(year_number) over (order by year_number) as next_year
    from published_years
),

years as (
    select
        unnest(generate_series(
            first_year,
            case when next_year - first_year < 100 then next_year - 1 else first_year end
        )) as year_number
    from spans
),

days as (
    select
        cast(unnest(generate_series(
            make_date(year_number, 1, 1), make_date(year_number, 12, 31), interval 1 day
        )) as date) as date_day
    from years
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
