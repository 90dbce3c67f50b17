{# What happens before and after every dbt run, by target. #}
{% macro start_run() -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- do mark_nodes_running() -%}
    {%- elif execute and target.type == 'postgres' -%}
        {%- do clear_next_marts() -%}
    {%- endif -%}
{%- endmacro %}

{% macro finish_run(results) -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- do record_node_results(results) -%}
    {%- elif execute and target.type == 'postgres' -%}
        {%- do publish_marts(results) -%}
    {%- endif -%}
{%- endmacro %}
