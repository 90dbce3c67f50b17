{{ config(materialized='view') }}

select
    exchange,
    symbol,
    trade_id,
    load_id,
    side,
    price,
    quantity,
    quote_volume,
    trade_number,
    traded_at,
    cast(traded_at at time zone 'UTC' as date) as traded_date
from {{ ref('stg_trades__trades') }}
