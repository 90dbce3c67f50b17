with hours as (
    select
        case when close > open then 'rising' when close < open then 'falling' else 'unchanged' end as price,
        taker_buy_share
    from marts.fct_candles
    where interval_seconds = 3600 and trade_count > 0
)

select
    price as hours,
    count(*) as candles,
    round(cast(100 * avg(taker_buy_share) as numeric), 1) as percent_bought_by_takers
from hours
group by price
order by price
