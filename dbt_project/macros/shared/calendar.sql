{#
    The days of dim_dates follow from the marts: each mart with a foreign key to it notes the years that it refers to
    (operations.years_in_use), and the calendar is a view over these notes. So no domain waits for another: a reference
    from int_dates to the domains' models would skip dim_dates, and with it every domain, where one of them fails.
#}
{% macro note_years_of_mart() -%}
    {%- set columns = [] -%}
    {%- for constraint in model.constraints if constraint.type == 'foreign_key' and 'dim_dates' in constraint.to -%}
        {%- do columns.extend(constraint.columns) -%}
    {%- endfor -%}
    {%- set years = 'year(' ~ columns | join('), year(') ~ ')' -%}
    {%- if columns -%}
        {{ note_years(years) }}
        {%- if not _is_personal_mart() %}
        {{ note_years(years, schema='pseudonymous') }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Whether no transform model that the mart reads says otherwise: what is not personal is published as it is. #}
{% macro _is_personal_mart() -%}
    {%- set found = [] -%}
    {%- for id in model.depends_on.nodes if id in graph.nodes and '.int_' in id -%}
        {%- do found.append(graph.nodes[id].config.meta.is_personal is sameas false) -%}
    {%- endfor -%}
    {{ return(not found or not found | min) }}
{%- endmacro %}

{# A post-hook: notes the years in these expressions of the model's table, as those of a table in `schema`. #}
{% macro note_years(expressions, schema=this.schema) -%}
    {%- if execute and target.type == 'duckdb' -%}
        delete from operations.years_in_use where relation_name = '{{ schema }}.{{ this.identifier }}';
        insert into operations.years_in_use
        select distinct '{{ schema }}.{{ this.identifier }}', unnest([{{ expressions }}]) from {{ this }};
    {%- endif -%}
{%- endmacro %}

{#
    A row per day of these years (a column year_number), and of all years between two that are less than a century
    apart: reports have no gap, and one mistaken date of year 1 or 9999 adds its own year and not millions of days.
#}
{% macro list_days(years) -%}
with years_in_use as (
    {{ years }}
),

spans as (
    select
        year_number as first_year,
        lead(year_number) over (order by year_number) as next_year
    from (select distinct year_number from years_in_use where year_number between 1 and 9999)
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
{%- endmacro %}
