with source as (
    select * from {{ source('trades', 'stream_days') }}
),

renamed as (
    select
        -- ids
        source.resource as exchange,
        pairs.symbol,
        source._dlt_load_id as load_id,

        -- numerics
        source.new_count,
        source.changed_count,
        source.removed_count,
        source.repeated_count as duplicate_count,
        source.rejected_count,
        source.late_count,

        -- dates
        source.day as traded_date
    from source
    left join {{ ref('market_pairs') }} as pairs
        on source.resource = pairs.exchange and source.stream = pairs.pair
)

select * from renamed
