{#
    The time from the first to the last trade that a build of candles must read again, as two literals in microseconds:
    DuckDB then skips all other blocks of the table. None at all: an empty range.
#}
{% macro find_touched_period(candles, trades, superseded) -%}
    {%- if not execute -%}
        {{ return([0, 0]) }}
    {%- endif -%}
    {%- set row = run_query("
        with base as (" ~ base_interval() ~ "),
        watermark as (" ~ read_watermark(candles) ~ "),
        touched as (
            select traded_at from " ~ trades ~ " where load_id > (select watermark.load_id from watermark)
            union all
            select traded_at from " ~ superseded ~ " where load_id > (select watermark.load_id from watermark)
        )
        select
            coalesce(min(epoch_us(traded_at)) // (1000000 * any_value(interval_seconds)), 0)
                * 1000000 * any_value(interval_seconds),
            (coalesce(max(epoch_us(traded_at)) // (1000000 * any_value(interval_seconds)), -1) + 1)
                * 1000000 * any_value(interval_seconds)
        from base left join touched on true
    ")[0] -%}
    {{ return([row[0] | int, row[1] | int]) }}
{%- endmacro %}

{# The longest interval of which every interval of the seed is a multiple: candles of all of them add up from it. #}
{% macro base_interval() -%}
    select cast(list_reduce(list(interval_seconds), (one, other) -> gcd(one, other)) as bigint) as interval_seconds
    from {{ ref('candle_intervals') }}
{%- endmacro %}

{# The last load of which these candles know, if they are of the base interval. #}
{% macro read_watermark(candles) -%}
    select coalesce(max(load_id), '') as load_id from {{ candles }}
    where interval_seconds = (select base.interval_seconds from base)
{%- endmacro %}

{# Whether buckets without a trade get a candle: a variable in dbt_project.yml. #}
{% macro carries_empty_candles() -%}
    {{ return(var('carry_empty_candles') | string | lower == 'true') }}
{%- endmacro %}
