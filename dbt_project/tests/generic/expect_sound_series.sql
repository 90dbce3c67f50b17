{#
    One row per fault of a raw table of a series, or of what the bookkeeping tables of its schema say of it: every row
    is there once, and every record is accounted for.
#}
{% test expect_sound_series(model) -%}
{{ null_faults(model, 'the table', series_columns(), 'id') }}

union all

{{ repeated_key_faults(model, 'the table', ['id'], 'true') }}

union all

{{ load_count_faults(model, '(select count(*) from ' ~ model ~ ')') }}

union all

{{ reject_faults(model) }}

union all

{{ replay_faults(model) }}

union all

{{ field_inventory_faults(model) }}
{%- endtest %}
