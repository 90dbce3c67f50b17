{#
    What a contract makes of a mart in DuckDB: column types and NOT NULL. Primary and foreign keys are real in
    Postgres only; with them DuckDB could not rebuild a mart beside the old one, and the data tests check the same.
#}
{% macro duckdb__get_table_columns_and_constraints() -%}
    ({{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(',\n    ') }})
{%- endmacro %}

{# dbt-duckdb asks here whether a table will have keys, and would then drop it before it builds it again. #}
{% macro enforced_constraint_types() -%}
    {{ return([]) }}
{%- endmacro %}
