{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['exchange', 'symbol', 'interval_seconds', 'bucket_number'],
) }}
{#
    Candles of the intervals above the base interval, added up from those of the base interval: again where one of these
    is new, and in whole for an interval that is new in the seed.
#}

with base as (
    {{ base_interval() }}
),

parts as (
    select * from {{ ref('int_candles_shortest') }}
    where interval_seconds = (select base.interval_seconds from base)
),

intervals as (
    select cast(interval_seconds as bigint) as interval_seconds from {{ ref('candle_intervals') }}
    where interval_seconds > (select base.interval_seconds from base)
),

{% if is_incremental() -%}
watermarks as (
    select
        interval_seconds,
        max(load_id) as load_id
    from {{ this }}
    group by interval_seconds
),

touched as (
    select distinct
        parts.exchange,
        parts.symbol,
        intervals.interval_seconds,
        parts.bucket_number * parts.interval_seconds // intervals.interval_seconds as bucket_number
    from parts
    cross join intervals
    left join watermarks on intervals.interval_seconds = watermarks.interval_seconds
    where parts.load_id > coalesce(watermarks.load_id, '')
),
{%- endif %}

placed as (
    select
        parts.exchange,
        parts.symbol,
        intervals.interval_seconds,
        parts.bucket_number * parts.interval_seconds // intervals.interval_seconds as bucket_number,
        parts.bucket_number as part_number,
        parts.load_id,
        parts.open,
        parts.high,
        parts.low,
        parts.close,
        parts.volume,
        parts.quote_volume,
        parts.taker_buy_volume,
        parts.trade_count
    from parts
    cross join intervals
)

select
    placed.exchange,
    placed.symbol,
    placed.interval_seconds,
    placed.bucket_number,
    max(placed.load_id) as load_id,
    -- parts without a trade have no price
    arg_min(placed.open, placed.part_number) as open,
    max(placed.high) as high,
    min(placed.low) as low,
    arg_max(placed.close, placed.part_number) as close,  -- noqa: RF04
    cast(sum(placed.volume) as decimal(38, 8)) as volume,
    cast(sum(placed.quote_volume) as decimal(38, 18)) as quote_volume,
    cast(sum(placed.taker_buy_volume) as decimal(38, 8)) as taker_buy_volume,
    cast(sum(placed.trade_count) as bigint) as trade_count
from placed
{% if is_incremental() -%}
semi join touched
    on
        placed.exchange = touched.exchange
        and placed.symbol = touched.symbol
        and placed.interval_seconds = touched.interval_seconds
        and placed.bucket_number = touched.bucket_number
{%- endif %}
group by placed.exchange, placed.symbol, placed.interval_seconds, placed.bucket_number
