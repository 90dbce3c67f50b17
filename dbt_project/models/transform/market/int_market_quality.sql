with trades as (
    select
        exchange,
        symbol,
        traded_date,
        count(*) as trade_count,
        min(price) as lowest_price,
        max(price) as highest_price,
        max(traded_at) as last_traded_at
    from {{ ref('int_trades') }}
    group by exchange, symbol, traded_date
),

records as (
    select
        exchange,
        symbol,
        traded_date,
        sum(duplicate_count) as duplicate_count,
        sum(late_count) as late_count,
        sum(rejected_count) as rejected_count
    from {{ ref('stg_trades__days') }}
    group by exchange, symbol, traded_date
),

gaps as (
    select
        *,
        cast(followed_at at time zone 'UTC' as date) as traded_date
    from {{ ref('stg_trades__gaps') }}
),

-- what came later than the gap that it was missing from
found_since as (
    select
        trades.exchange,
        trades.symbol,
        gaps.traded_date,
        count(*) as found_count
    from {{ ref('int_trades') }} as trades
    asof inner join gaps
        on
            trades.exchange = gaps.exchange
            and trades.symbol = gaps.symbol
            and trades.trade_number >= gaps.first_trade_number
    where trades.trade_number <= gaps.last_trade_number
    group by trades.exchange, trades.symbol, gaps.traded_date
),

missing as (
    select
        gaps.exchange,
        gaps.symbol,
        gaps.traded_date,
        sum(gaps.last_trade_number - gaps.first_trade_number + 1)
        - coalesce(any_value(found_since.found_count), 0) as missing_count
    from gaps
    left join found_since
        on
            gaps.exchange = found_since.exchange
            and gaps.symbol = found_since.symbol
            and gaps.traded_date = found_since.traded_date
    group by gaps.exchange, gaps.symbol, gaps.traded_date
),

days as (
    select
        exchange,
        symbol,
        traded_date
    from trades
    union
    select
        exchange,
        symbol,
        traded_date
    from records
    union
    select
        exchange,
        symbol,
        traded_date
    from missing
),

last_load as (
    select max(loaded_at) as loaded_at from {{ ref('stg_trades__loads') }}
)

select
    days.exchange,
    days.symbol,
    cast(coalesce(trades.trade_count, 0) as bigint) as trade_count,
    cast(coalesce(records.duplicate_count, 0) as bigint) as duplicate_count,
    cast(greatest(coalesce(missing.missing_count, 0), 0) as bigint) as missing_count,
    cast(coalesce(records.late_count, 0) as bigint) as late_count,
    cast(coalesce(records.rejected_count, 0) as bigint) as rejected_count,
    -- greatest() of null and 0 would be 0
    case
        when max(trades.last_traded_at) over until_then is not null
            then greatest(
                date_diff(
                    'second',
                    max(trades.last_traded_at) over until_then,
                    least((days.traded_date + interval 1 day) at time zone 'UTC', last_load.loaded_at)
                ),
                0
            ) / cast(60 as double)
    end as minutes_since_last_trade,
    trades.lowest_price,
    trades.highest_price,
    days.traded_date
from days
cross join last_load
left join trades
    on
        days.exchange = trades.exchange
        and days.symbol = trades.symbol
        and days.traded_date = trades.traded_date
left join records
    on
        days.exchange = records.exchange
        and days.symbol = records.symbol
        and days.traded_date = records.traded_date
left join missing
    on
        days.exchange = missing.exchange
        and days.symbol = missing.symbol
        and days.traded_date = missing.traded_date
window until_then as (
    partition by days.exchange, days.symbol
    order by days.traded_date
    rows between unbounded preceding and current row
)
