{# What happens before and after every dbt command that builds or tests, by target. #}
{% macro start_run() -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do _refuse_without_raw() -%}
        {%- do mark_nodes_running() -%}
    {%- elif _builds_or_tests() and target.type == 'postgres' -%}
        {%- do clear_next_marts() -%}
    {%- endif -%}
{%- endmacro %}

{% macro finish_run(results) -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do record_node_results(results) -%}
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

{# A model whose source was never loaded would fail with a catalog error, and all models after it. #}
{% macro _refuse_without_raw() -%}
    {%- set there = run_query(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
    ).columns[0].values() -%}
    {%- for unique_id in selected_resources if unique_id in graph.nodes -%}
        {%- for parent in graph.nodes[unique_id].depends_on.nodes if parent in graph.sources -%}
            {%- set table = graph.sources[parent].schema ~ '.' ~ graph.sources[parent].identifier -%}
            {%- if table not in there -%}
                {{ exceptions.raise_compiler_error(
                    "Nothing was built: " ~ table ~ " is not loaded yet. Run `dlt pipeline run` first."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _builds_or_tests() -%}
    {{ return(execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot']) }}
{%- endmacro %}
