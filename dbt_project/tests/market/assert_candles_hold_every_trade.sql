-- Decision: candles of every interval hold every trade once: they are built again only where trades came,
-- changed or went, so a bucket that was forgotten would show here.
with trades as (
    select
        exchange,
        symbol,
        count(*) as trade_count,
        sum(quantity) as volume,
        sum(quote_volume) as quote_volume
    from {{ ref('fct_trades') }}
    group by exchange, symbol
),

intervals as (
    select distinct interval_seconds from {{ ref('fct_candles') }}
),

candles as (
    select
        exchange,
        symbol,
        interval_seconds,
        sum(trade_count) as trade_count,
        sum(volume) as volume,
        sum(quote_volume) as quote_volume
    from {{ ref('fct_candles') }}
    group by exchange, symbol, interval_seconds
)

select
    trades.exchange,
    trades.symbol,
    intervals.interval_seconds
from trades
cross join intervals
left join candles
    on
        trades.exchange = candles.exchange
        and trades.symbol = candles.symbol
        and intervals.interval_seconds = candles.interval_seconds
where
    candles.trade_count is null
    or candles.trade_count != trades.trade_count
    or candles.volume != trades.volume
    or candles.quote_volume != trades.quote_volume
