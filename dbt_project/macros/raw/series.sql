{# The columns that every raw table of a series has, beside its own (loader/raw/series_intake.py). #}
{% macro series_columns() -%}
    {{ return({
        'id': 'varchar not null',
        'stream': 'varchar not null',
        'occurred_at': 'timestamptz not null',
        'record': 'varchar',
        '_dlt_load_id': 'varchar not null',
    }) }}
{%- endmacro %}
