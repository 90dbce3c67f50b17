with source as (
    select * from {{ source('trades', 'superseded_rows') }}
),

renamed as (
    select
        -- ids
        source.resource as exchange,
        pairs.symbol,
        split_part(source.id, ':', -1) as trade_id,
        source._dlt_load_id as load_id,

        -- text
        source.outcome,

        -- timestamps
        source.occurred_at as traded_at
    from source
    left join {{ ref('market_pairs') }} as pairs
        on source.resource = pairs.exchange and source.stream = pairs.pair
)

select * from renamed
