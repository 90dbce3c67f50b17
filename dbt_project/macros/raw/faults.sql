{#
    Parts of a test of raw: each selects one row per fault, with the key of the row that has it. `table` is the raw
    table under test; the ledger is what the bookkeeping tables of its schema say of it. A row that names no resource
    belongs to every table, so that it is not overlooked.
#}
{% macro null_faults(relation, name, columns, key, condition='true') -%}
{%- set required = [] -%}
{%- for column, type in columns.items() if type.endswith('not null') -%}
    {%- do required.append(column) -%}
{%- endfor -%}
select
    '{{ name }} has null in ' || concat_ws(
        ', '
        {%- for column in required %}
        , case when {{ column }} is null then '{{ column }}' end
        {%- endfor %}
    ) as fault,
    {{ key }} as row_key
from {{ relation }}
where
    {{ condition }}
    and ({{ required | join(' is null or ') }} is null)
{%- endmacro %}

{% macro repeated_key_faults(relation, name, columns, condition) -%}
select
    '{{ name }} has several rows with the same {{ columns | join(" and ") }}' as fault,
    concat_ws(', ', {{ columns | join(', ') }}) as row_key
from {{ relation }}
group by {{ columns | join(', ') }}
having count(*) > 1 and bool_or({{ condition }})
{%- endmacro %}

{# `held_count` is SQL for the number of rows that the table holds. #}
{% macro load_count_faults(table, held_count) -%}
{%- set counts = bookkeeping_relation(table, 'load_counts') -%}
{%- set ours = is_of_resource(table) -%}
{{ null_faults(counts, 'load_counts', bookkeeping_columns()['load_counts'], '_dlt_load_id', ours) }}

union all

{{ repeated_key_faults(counts, 'load_counts', ['_dlt_load_id', 'resource'], ours) }}

union all

select
    'load_counts: extracted is not new + changed + unchanged + repeated + rejected' as fault,
    _dlt_load_id as row_key
from {{ counts }}
where
    {{ ours }}
    and extracted_count != new_count + changed_count + unchanged_count + repeated_count + rejected_count

union all

select
    'the table holds ' || held_count || ' rows, and load_counts counted ' || counted_count as fault,
    null as row_key
from (
    select
        coalesce({{ held_count }}, 0) as held_count,
        coalesce(sum(new_count), 0) - {{ _sum_of_removed(counts) }} as counted_count
    from {{ counts }}
    where {{ ours }}
) as compared
where held_count != counted_count

union all

select
    'load_counts counts records of ' || resource || ', which no table of this source is named' as fault,
    _dlt_load_id as row_key
from {{ counts }}
where resource not in ({{ _list_tables(table) }})
{%- endmacro %}

{% macro reject_faults(table) -%}
{%- set rejects = bookkeeping_relation(table, 'rejected_records') -%}
{%- set ours = is_of_resource(table) -%}
{{ null_faults(rejects, 'rejected_records', bookkeeping_columns()['rejected_records'], 'id', ours) }}

union all

{{ repeated_key_faults(rejects, 'rejected_records', ['id'], ours) }}

union all

{# A record that is rejected again is the same row: fewer may be kept than were counted, but not none. #}
select
    'rejected_records keeps ' || kept_count || ' records, and load_counts counted ' || rejected_count as fault,
    null as row_key
from (
    select
        (select count(*) from {{ rejects }} where {{ ours }}) as kept_count,
        coalesce(sum(rejected_count), 0) as rejected_count
    from {{ bookkeeping_relation(table, 'load_counts') }}
    where {{ ours }}
) as compared
where kept_count > rejected_count or (kept_count = 0 and rejected_count > 0)
{%- endmacro %}

{# `keys` is a relation with the column `id` of every row that the table holds; none where rows may be removed. #}
{% macro replay_faults(table, keys=none) -%}
{%- set replays = bookkeeping_relation(table, 'replays') -%}
{%- set ours = is_of_resource(table) -%}
{{ null_faults(replays, 'replays', bookkeeping_columns()['replays'], 'reject_id', ours) }}

union all

{{ repeated_key_faults(replays, 'replays', ['reject_id', '_dlt_load_id'], ours) }}

union all

select
    'replays has the outcome ' || outcome || ', which is neither loaded nor overtaken' as fault,
    reject_id as row_key
from {{ replays }}
where {{ ours }} and outcome not in ('loaded', 'overtaken')

union all

select
    'replays names a record that rejected_records does not have' as fault,
    reject_id as row_key
from {{ replays }}
where
    {{ ours }}
    and reject_id not in (select id from {{ bookkeeping_relation(table, 'rejected_records') }} where id is not null)

{%- if keys %}

union all

select
    'a replayed record is not in the table' as fault,
    record_id as row_key
from {{ replays }}
where resource = '{{ table.identifier }}' and record_id not in (select id from {{ keys }} where id is not null)
{%- endif %}
{%- endmacro %}

{% macro field_inventory_faults(table) -%}
{%- set inventory = bookkeeping_relation(table, 'field_inventory') -%}
{%- set ours = is_of_resource(table) -%}
{{ null_faults(inventory, 'field_inventory', bookkeeping_columns()['field_inventory'], 'path', ours) }}

union all

{{ repeated_key_faults(inventory, 'field_inventory', ['resource', 'path'], ours) }}
{%- endmacro %}

{% macro bookkeeping_relation(table, name) -%}
    {{ return(api.Relation.create(database=table.database, schema=table.schema, identifier=name)) }}
{%- endmacro %}

{% macro is_of_resource(table) -%}
    {{ return("coalesce(resource = '" ~ table.identifier ~ "', true)") }}
{%- endmacro %}

{# Warehouses that were loaded before rows could be removed have no such column. #}
{% macro _sum_of_removed(counts) -%}
    {%- set columns = adapter.get_columns_in_relation(counts) | map(attribute='name') | list if execute else [] -%}
    {{ return('coalesce(sum(removed_count), 0)' if 'removed_count' in columns else '0') }}
{%- endmacro %}

{% macro _list_tables(table) -%}
    {%- set names = [table.identifier] -%}
    {%- for source in (graph.sources.values() if execute else []) if source.schema == table.schema -%}
        {%- do names.append(source.identifier) -%}
    {%- endfor -%}
    {{ return("'" ~ names | unique | sort | join("', '") ~ "'") }}
{%- endmacro %}
