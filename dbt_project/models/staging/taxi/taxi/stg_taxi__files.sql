with source as (
    select * from {{ source('taxi', 'files') }}
),

renamed as (
    select
        -- ids
        file_name,

        -- text
        address,
        colour,
        month as file_month,
        format as file_format,
        version as file_version,
        status,
        reason,

        -- numerics
        size_bytes,
        row_count,
        distinct_row_count,
        seconds as read_seconds,

        -- times
        first_pickup_time,
        last_pickup_time,
        modified_at,
        loaded_at
    from source
    where resource = 'trips'
)

select * from renamed
