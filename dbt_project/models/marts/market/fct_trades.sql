select
    -- ids
    exchange,
    symbol,
    trade_id,

    -- text
    side,

    -- numerics
    price,
    quantity,
    quote_volume,

    -- timestamps
    traded_at,
    traded_date
from {{ ref('int_trades') }}
