with source as (
    select * from {{ source('trades', 'known_gaps') }}
),

renamed as (
    select
        -- ids
        source.resource as exchange,
        pairs.symbol,

        -- numerics
        source.first_missing as first_trade_number,
        source.last_missing as last_trade_number,

        -- timestamps
        source.followed_at,
        source.noticed_at
    from source
    left join {{ ref('market_pairs') }} as pairs
        on source.resource = pairs.exchange and source.stream = pairs.pair
)

select * from renamed
