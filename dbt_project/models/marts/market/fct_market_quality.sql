select
    -- ids
    exchange,
    symbol,

    -- numerics
    trade_count,
    duplicate_count,
    missing_count,
    late_count,
    rejected_count,
    minutes_since_last_trade,
    lowest_price,
    highest_price,

    -- dates
    traded_date
from {{ ref('int_market_quality') }}
