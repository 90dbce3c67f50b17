-- Not declared as a source: each run adds a load, and a domain is built only if one of its sources has news.
with source as (
    select * from {{ bookkeeping_relation(source('openalex', 'works'), '_dlt_loads') }}
    where status = 0
),

renamed as (
    select
        load_id,
        inserted_at as loaded_at
    from source
)

select * from renamed
