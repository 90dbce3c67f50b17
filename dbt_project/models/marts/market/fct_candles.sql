select
    -- ids
    exchange,
    symbol,
    interval_seconds,

    -- numerics
    open,
    high,
    low,
    close,
    volume,
    quote_volume,
    vwap,
    trade_count,
    taker_buy_share,

    -- booleans
    is_carried,

    -- timestamps
    bucket_start_at,
    bucket_date
from {{ ref('int_candles') }}
