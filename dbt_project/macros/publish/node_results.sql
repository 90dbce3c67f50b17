{#
    The last result of every model, seed, snapshot and test in DuckDB: the handoff takes only domains in which all of
    them are successful. A run that is killed leaves `running`, and one without tests leaves them `due`, so that a
    partial build never counts as a complete one.
#}
{% macro prepare_operations() -%}
    {%- do run_query("
        create schema if not exists operations;
        create table if not exists operations.node_results (
            unique_id varchar primary key, status varchar not null, invocation_id varchar not null,
            finished_at timestamptz not null
        );
        alter table operations.node_results add column if not exists domain varchar;
        alter table operations.node_results add column if not exists message varchar;
        create table if not exists operations.domain_builds (
            domain varchar, build_id varchar, code_fingerprint varchar, privacy_fingerprint varchar,
            built_at timestamptz
        );
        create table if not exists operations.domain_inputs (
            domain varchar, table_name varchar, row_count bigint, newest_load_id varchar
        );
        create table if not exists operations.unit_tests_passed (domain varchar, code_fingerprint varchar);
        create table if not exists operations.years_in_use (relation_name varchar, year_number integer);
    ") -%}
{%- endmacro %}

{% macro mark_nodes_running() -%}
    {%- set due = _find_tests_due() -%}
    {%- set selected = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id in selected_resources -%}
        {%- do selected.append(node) -%}
    {%- endfor -%}
    {%- do _forget_removed_nodes() -%}
    {%- do _write_node_results(due, 'due') -%}
    {%- do _write_node_results(selected, 'running') -%}
    {%- do forget_domain_builds() -%}
{%- endmacro %}

{# A test that failed and was removed or renamed since would hold its domain back. #}
{% macro _forget_removed_nodes() -%}
    {%- do run_query(
        "delete from operations.node_results
        where domain in ('" ~ (list_selected_domains() + ['shared']) | join("', '") ~ "')
            and unique_id not in ('" ~ graph.nodes.keys() | join("', '") ~ "')"
    ) -%}
{%- endmacro %}

{# The tests of what this run builds, and of the sources that it reads: their earlier results are out of date. #}
{% macro _find_tests_due() -%}
    {%- set touched = [] -%}
    {%- for node in graph.nodes.values()
        if node.unique_id in selected_resources and node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {%- do touched.append(node.unique_id) -%}
        {%- do touched.extend(node.depends_on.nodes | select('in', graph.sources)) -%}
    {%- endfor -%}
    {#- A shared view that is made again for one domain changes nothing for the others. -#}
    {%- set domains = list_selected_domains() + ['shared'] -%}
    {%- set tests = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'test' and find_domain(node) in domains -%}
        {%- if node.depends_on.nodes | select('in', touched) | first -%}
            {%- do tests.append(node) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(tests) }}
{%- endmacro %}

{% macro record_node_results(results) -%}
    {%- set rows = [] -%}
    {%- for result in results if result.node.unique_id in graph.nodes -%}
        {%- do rows.append((result.node, result.status | string, result.message or '')) -%}
    {%- endfor -%}
    {%- do _write_rows(rows) -%}
{%- endmacro %}

{% macro _write_node_results(nodes, status) -%}
    {%- set rows = [] -%}
    {%- for node in nodes -%}
        {%- do rows.append((node, status, '')) -%}
    {%- endfor -%}
    {%- do _write_rows(rows) -%}
{%- endmacro %}

{% macro _write_rows(rows) -%}
    {%- set values = [] -%}
    {%- for node, status, message in rows -%}
        {%- do values.append("('" ~ node.unique_id ~ "', '" ~ status ~ "', '" ~ find_domain(node) ~ "', '"
            ~ message[:500] | replace("'", "''") ~ "')") -%}
    {%- endfor -%}
    {%- if values -%}
        {%- do run_query(
            "insert or replace into operations.node_results
                (unique_id, status, domain, message, invocation_id, finished_at)
            select *, '" ~ invocation_id ~ "', now() from (values " ~ values | join(', ') ~ ")"
        ) -%}
    {%- endif -%}
{%- endmacro %}

{# The nodes of a domain, and shared ones, that never ran or were not successful in their last run. #}
{% macro find_failing_nodes(domain) -%}
    {%- set successful = run_query(
        "select unique_id from operations.node_results where status in ('success', 'pass', 'warn')"
    ).columns[0].values() -%}
    {%- set failing = [] -%}
    {%- for node in list_nodes(domain) + list_nodes('shared') if node.unique_id not in successful -%}
        {%- do failing.append(node) -%}
    {%- endfor -%}
    {{ return(failing) }}
{%- endmacro %}
