-- A view in DuckDB: its days follow from marts that are built after it.
{{ config(materialized='view' if target.type == 'duckdb' else 'table') }}

select
    -- key
    date_day,

    -- text
    day_name,
    month_name,

    -- numerics
    year_number,
    quarter_number,
    month_number,
    day_of_month,
    day_of_year,
    iso_day_of_week,
    iso_year,
    iso_week,

    -- booleans
    is_weekend
from {{ ref('int_dates') }}
