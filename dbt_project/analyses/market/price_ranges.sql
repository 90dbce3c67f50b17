select
    symbol,
    exchange,
    count(*) as traded_days,
    round(100 * avg((high - low) / open), 2) as mean_percent_range,
    round(100 * max((high - low) / open), 2) as widest_percent_range
from marts.fct_candles
where interval_seconds = 86400 and trade_count > 0
group by symbol, exchange
order by symbol, exchange
