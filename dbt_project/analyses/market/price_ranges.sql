select
    symbol,
    exchange,
    count(*) as traded_days,
    round(cast(100 * avg((high - low) / open) as decimal(18, 6)), 2) as mean_percent_range,
    round(cast(100 * max((high - low) / open) as decimal(18, 6)), 2) as widest_percent_range
from marts.fct_candles
where interval_seconds = 86400 and trade_count > 0
group by symbol, exchange
order by symbol, exchange
