{#
    One row per fault of a raw table of files, or of what the bookkeeping tables of its schema say of it. The
    table `files` has a row for each file: raw holds as many rows of a file as it says, numbered from 1.
#}
{% test expect_sound_files(model) -%}
with held as (
    select
        file_name,
        count(*) as row_count,
        max(row_number) as last_row_number,
        count(*) filter (where row_number is null or is_removed) as unfit_count
    from {{ model }}
    group by file_name
),

ledger as (
    select
        file_name,
        row_count
    from {{ bookkeeping_relation(model, 'files') }}
    where resource = '{{ model.identifier }}'
)

select
    'raw holds ' || coalesce(held.row_count, 0) || ' rows of a file, and files says '
    || coalesce(cast(ledger.row_count as varchar), 'nothing') as fault,
    coalesce(held.file_name, ledger.file_name) as row_key
from held
full join ledger on held.file_name = ledger.file_name
where coalesce(held.row_count, 0) != coalesce(ledger.row_count, -1)

union all

select
    'the rows of a file are not numbered from 1 to their count' as fault,
    file_name as row_key
from held
where last_row_number != row_count or unfit_count > 0

union all

{{ load_count_faults(model, '(select sum(row_count) from held)') }}

union all

{{ reject_faults(model) }}

union all

{{ field_inventory_faults(model) }}
{%- endtest %}
