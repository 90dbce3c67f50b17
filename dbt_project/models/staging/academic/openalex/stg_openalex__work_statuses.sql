with source as (
    select * from {{ source('openalex', 'work_statuses') }}
),

renamed as (
    select
        -- ids
        work_id,
        merged_into_id as merged_into_work_id,

        -- text
        status as work_status,

        -- timestamps
        checked_at,

        -- where the record came from
        _dlt_load_id as load_id
    from source
)

select * from renamed
