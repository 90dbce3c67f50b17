with source as (
    {% for exchange in ['binance', 'coinbase', 'kraken'] -%}
    select
        '{{ exchange }}' as exchange,
        stream,
        trade_id,
        _dlt_load_id,
        side,
        price,
        quantity,
        occurred_at
    from {{ source('trades', exchange) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

renamed as (
    select
        -- ids
        source.exchange,
        pairs.symbol,
        source.trade_id,
        source._dlt_load_id as load_id,

        -- text
        source.side,

        -- numerics
        source.price,
        source.quantity,
        -- what fits price and quantity fits this
        cast(source.price * source.quantity as decimal(38, 18)) as quote_volume,
        cast(source.trade_id as bigint) as trade_number,

        -- timestamps
        source.occurred_at as traded_at
    from source
    left join {{ ref('market_pairs') }} as pairs
        on source.exchange = pairs.exchange and source.stream = pairs.pair
)

select * from renamed
