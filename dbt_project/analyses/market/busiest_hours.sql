with hours as (
    select
        symbol,
        extract(hour from bucket_start_at at time zone 'UTC') as hour_of_day,
        trade_count
    from marts.fct_candles
    where interval_seconds = 3600
)

select
    cast(hour_of_day as integer) as hour_utc,
    sum(trade_count) as trades,
    round(100.0 * sum(trade_count) / sum(sum(trade_count)) over (), 1) as percent_of_trades
from hours
group by hour_of_day
order by hour_of_day
