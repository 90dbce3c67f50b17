{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['exchange', 'symbol', 'interval_seconds', 'bucket_number'],
) }}
{#
    Candles of the base interval. A build reads again the trades of the buckets that new, changed or removed trades
    touch, and no other. A bucket that lost all its trades stays, with a trade_count of 0.
#}
{%- set superseded = ref('stg_trades__superseded_trades') -%}
{%- set period = find_touched_period(this, ref('int_trades'), superseded) if is_incremental() else [0, 0] %}

with base as (
    {{ base_interval() }}
),

last_load as (
    select coalesce(max(load_id), '') as load_id from {{ ref('stg_trades__loads') }}
),

{% if is_incremental() -%}
watermark as (
    {{ read_watermark(this) }}
),

touched as (
    select
        exchange,
        symbol,
        epoch_us(traded_at) // (1000000 * (select base.interval_seconds from base)) as bucket_number
    from {{ ref('int_trades') }}
    where load_id > (select watermark.load_id from watermark)
    union
    select
        exchange,
        symbol,
        epoch_us(traded_at) // (1000000 * (select base.interval_seconds from base)) as bucket_number
    from {{ superseded }}
    where load_id > (select watermark.load_id from watermark)
),
{%- endif %}

trades as (
    select
        exchange,
        symbol,
        side,
        price,
        quantity,
        quote_volume,
        epoch_us(traded_at) // (1000000 * (select base.interval_seconds from base)) as bucket_number,
        -- trade ids have at most 18 digits
        cast(epoch_us(traded_at) as hugeint) * 1000000000000000000 + trade_number as place
    from {{ ref('int_trades') }}
    {% if is_incremental() -%}
    where
        traded_at >= make_timestamptz({{ period[0] }})
        and traded_at < make_timestamptz({{ period[1] }})
    {%- endif %}
),

candles as (
    select
        trades.exchange,
        trades.symbol,
        trades.bucket_number,
        arg_min(trades.price, trades.place) as open,
        max(trades.price) as high,
        min(trades.price) as low,
        arg_max(trades.price, trades.place) as close,  -- noqa: RF04
        sum(trades.quantity) as volume,
        sum(trades.quote_volume) as quote_volume,
        coalesce(sum(trades.quantity) filter (where trades.side = 'buy'), 0) as taker_buy_volume,
        count(*) as trade_count
    from trades
    {% if is_incremental() -%}
    semi join touched
        on
            trades.exchange = touched.exchange
            and trades.symbol = touched.symbol
            and trades.bucket_number = touched.bucket_number
    {%- endif %}
    group by trades.exchange, trades.symbol, trades.bucket_number
),

{% if is_incremental() -%}
buckets as (
    select * from touched
)
{%- else -%}
buckets as (
    select
        exchange,
        symbol,
        bucket_number
    from candles
)
{%- endif %}

select
    buckets.exchange,
    buckets.symbol,
    base.interval_seconds,
    buckets.bucket_number,
    last_load.load_id,
    candles.open,
    candles.high,
    candles.low,
    candles.close,
    cast(coalesce(candles.volume, 0) as decimal(38, 8)) as volume,
    cast(coalesce(candles.quote_volume, 0) as decimal(38, 18)) as quote_volume,
    cast(coalesce(candles.taker_buy_volume, 0) as decimal(38, 8)) as taker_buy_volume,
    coalesce(candles.trade_count, 0) as trade_count
from buckets
cross join base
cross join last_load
left join candles
    on
        buckets.exchange = candles.exchange
        and buckets.symbol = candles.symbol
        and buckets.bucket_number = candles.bucket_number
