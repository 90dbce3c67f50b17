with source as (
    -- dlt's own table: it has a load only once all of its tables are written
    select * from {{ bookkeeping_relation(source('trades', 'binance'), '_dlt_loads') }}
),

renamed as (
    select
        -- ids
        load_id,

        -- timestamps
        inserted_at as loaded_at
    from source
    where status = 0 and schema_name = 'trades'
)

select * from renamed
