{#
    What last became of every model, seed and test in DuckDB: the handoff asks here whether all is well.
    A run that is killed leaves `running`, and one that leaves tests out leaves them `due`, so that half a build is never
    taken for a whole one.
#}
{% macro mark_nodes_running() -%}
    {%- do run_query("create schema if not exists operations") -%}
    {%- do run_query("create table if not exists operations.node_results (
        unique_id varchar primary key, status varchar not null, invocation_id varchar not null,
        finished_at timestamptz not null
    )") -%}
    {%- do _write_node_results(_find_tests_due(), 'due') -%}
    {%- do _write_node_results(selected_resources, 'running') -%}
{%- endmacro %}

{# The tests of what this run builds, and of the sources that it reads: what they found before is out of date. #}
{% macro _find_tests_due() -%}
    {%- set touched = [] -%}
    {%- for node in graph.nodes.values()
        if node.unique_id in selected_resources and node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- do touched.append(node.unique_id) -%}
        {%- do touched.extend(node.depends_on.nodes | select('in', graph.sources)) -%}
    {%- endfor -%}
    {%- set tests = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'test' -%}
        {%- if node.depends_on.nodes | select('in', touched) | first -%}
            {%- do tests.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tests) }}
{%- endmacro %}

{% macro record_node_results(results) -%}
    {%- for status, group in results | groupby('status') -%}
        {%- do _write_node_results(group | map(attribute='node.unique_id') | list, status | string) -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _write_node_results(unique_ids, status) -%}
    {%- if unique_ids -%}
        {%- do run_query(
            "insert or replace into operations.node_results
            select unnest(['" ~ unique_ids | join("', '") ~ "']), '" ~ status ~ "', '" ~ invocation_id ~ "', now()"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The models, seeds and tests of this project whose last run did not end well, or that never ran. #}
{% macro find_unfit_nodes() -%}
    {%- set fit = run_query(
        "select unique_id from operations.node_results where status in ('success', 'pass', 'warn')"
    ).columns[0].values() -%}
    {%- set unfit = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in ['model', 'seed', 'snapshot', 'test'] and node.unique_id not in fit -%}
        {%- do unfit.append(node.name) -%}
    {%- endfor -%}
    {{ return(unfit) }}
{%- endmacro %}
