with pairs as (
    select
        one.symbol,
        one.exchange as exchange,
        other.exchange as other_exchange,
        abs(one.vwap - other.vwap) / one.vwap as difference
    from marts.fct_candles as one
    inner join marts.fct_candles as other
        on
            one.symbol = other.symbol
            and one.interval_seconds = other.interval_seconds
            and one.bucket_start_at = other.bucket_start_at
            and one.exchange < other.exchange
    where one.interval_seconds = 3600 and one.trade_count > 0 and other.trade_count > 0
)

select
    symbol,
    exchange,
    other_exchange,
    count(*) as hours,
    round(cast(100 * avg(difference) as numeric), 3) as mean_percent_difference,
    round(cast(100 * max(difference) as numeric), 3) as largest_percent_difference
from pairs
group by symbol, exchange, other_exchange
order by symbol, exchange, other_exchange
