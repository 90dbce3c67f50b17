{#
    One row per fault of a raw table of documents, or of what the bookkeeping tables of its schema say of it. Every such
    table has this test: raw keeps each record as the source sent it, once, and accounts for every record.
#}
{% test expect_sound_documents(model) -%}
with keys as (
    select
        id,
        count(*) as row_count,
        count(*) filter (where record_hash != sha256(cast(document as varchar))) as wrong_hash_count
    from {{ model }}
    group by id
)

{{ null_faults(model, 'the table', document_columns(), 'id') }}

union all

select
    'several rows have the same id' as fault,
    id as row_key
from keys
where row_count > 1

union all

select
    'record_hash is not the SHA-256 of document' as fault,
    id as row_key
from keys
where wrong_hash_count > 0

union all

{{ load_count_faults(model, '(select sum(row_count) from keys)') }}

union all

{{ reject_faults(model) }}

union all

{{ replay_faults(model, 'keys') }}

union all

{{ field_inventory_faults(model) }}
{%- endtest %}
