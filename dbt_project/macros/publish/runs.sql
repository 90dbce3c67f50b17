{# What happens before and after every dbt command that builds or tests, by target. #}
{% macro start_run() -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do prepare_operations() -%}
        {%- do look_for_raw() -%}
        {%- do mark_nodes_running() -%}
    {%- elif _builds_or_tests() and target.type == 'postgres' -%}
        {%- do clear_next_marts() -%}
    {%- endif -%}
{%- endmacro %}

{% macro finish_run(results) -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do record_node_results(results) -%}
        {%- do record_domain_builds(results) -%}
        {%- if env_var('HEADWATER_HAND_OFF', '') -%}
            {# `headwater run` starts dbt once for both. What is held back, it reads from operations.node_results. #}
            {%- do hand_off(env_var('HEADWATER_HAND_OFF').split(',')) -%}
        {%- endif -%}
    {%- elif _builds_or_tests() and target.type == 'postgres' -%}
        {{ publish_marts(results) }}
    {%- endif -%}
{%- endmacro %}

{# After finish_run, whose statements dbt runs when it has rendered them. #}
{% macro tell_of_run(results) -%}
    {%- if _builds_or_tests() and target.type == 'postgres' -%}
        {%- do tell_of_publication(results) -%}
    {%- endif -%}
{%- endmacro %}
{#
    A model whose source was never loaded would fail with a catalog error, and all models after it. Of a source that
    nobody must use the tables are made, empty, as its YAML declares them; dlt takes them over when it loads.
#}
{% macro look_for_raw() -%}
    {%- set there = run_query(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
    ).columns[0].values() | list -%}
    {%- for unique_id in selected_resources if unique_id in graph.nodes -%}
        {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent in graph.sources -%}
            {%- set source = graph.sources[parent] -%}
            {%- set table = source.schema ~ '.' ~ source.identifier -%}
            {%- if table not in there and source.config.meta.is_optional -%}
                {%- do _make_empty(source) -%}
                {%- do there.append(table) -%}
            {%- elif table not in there -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built: " ~ table ~ " is not loaded yet. Run `dlt pipeline run` first."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _make_empty(source) -%}
    {%- set columns = [] -%}
    {%- for column in source.columns.values() -%}
        {%- do columns.append(column.name ~ ' ' ~ column.data_type) -%}
    {%- endfor -%}
    {%- do run_query("create schema if not exists " ~ source.schema) -%}
    {%- do run_query("create table " ~ source.schema ~ "." ~ source.identifier ~ " (" ~ columns | join(', ') ~ ")") -%}
{%- endmacro %}

{% macro _builds_or_tests() -%}
    {{ return(execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot']) }}
{%- endmacro %}
