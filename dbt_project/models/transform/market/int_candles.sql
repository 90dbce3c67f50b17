{{ config(materialized='view') }}
{#
    With the variable carry_empty_candles every bucket from the first to the last trade of a symbol has a candle.
#}

with shortest_and_longer as (
    select * from {{ ref('int_candles_shortest') }}
    where interval_seconds = ({{ base_interval() }})
    union all
    select * from {{ ref('int_candles_longer') }}
),

traded as (
    select candles.*
    from shortest_and_longer as candles
    -- the base interval need not be one of the seed's
    inner join {{ ref('candle_intervals') }} as intervals
        on candles.interval_seconds = intervals.interval_seconds
    where candles.trade_count > 0
),

{% if carries_empty_candles() -%}
spans as (
    select
        exchange,
        symbol,
        interval_seconds,
        min(bucket_number) as first_bucket,
        max(bucket_number) as last_bucket
    from traded
    group by exchange, symbol, interval_seconds
),

buckets as (
    select
        exchange,
        symbol,
        interval_seconds,
        unnest(range(first_bucket, last_bucket + 1)) as bucket_number
    from spans
),

candles as (
    select
        buckets.exchange,
        buckets.symbol,
        buckets.interval_seconds,
        buckets.bucket_number,
        last_value(traded.close ignore nulls) over until_here as last_close,
        traded.open,
        traded.high,
        traded.low,
        traded.close,
        coalesce(traded.volume, 0) as volume,
        coalesce(traded.quote_volume, 0) as quote_volume,
        traded.taker_buy_volume,
        coalesce(traded.trade_count, 0) as trade_count
    from buckets
    left join traded
        on
            buckets.exchange = traded.exchange
            and buckets.symbol = traded.symbol
            and buckets.interval_seconds = traded.interval_seconds
            and buckets.bucket_number = traded.bucket_number
    window until_here as (
        partition by buckets.exchange, buckets.symbol, buckets.interval_seconds
        order by buckets.bucket_number
        rows between unbounded preceding and current row
    )
)
{%- else -%}
candles as (
    select
        *,
        close as last_close
    from traded
)
{%- endif %}

select
    exchange,
    symbol,
    cast(interval_seconds as integer) as interval_seconds,
    coalesce(open, last_close) as open,
    coalesce(high, last_close) as high,
    coalesce(low, last_close) as low,
    coalesce(close, last_close) as close,  -- noqa: RF04
    volume,
    quote_volume,
    case when volume > 0 then cast(quote_volume as double) / cast(volume as double) end as vwap,
    trade_count,
    case when volume > 0 then cast(taker_buy_volume as double) / cast(volume as double) end
        as taker_buy_share,
    trade_count = 0 as is_carried,
    make_timestamptz(bucket_number * interval_seconds * 1000000) as bucket_start_at,
    cast(make_timestamp(bucket_number * interval_seconds * 1000000) as date) as bucket_date
from candles
