{#
    What the last complete and successful build of each domain was made from: its code, and the number of rows and the
    newest load of each raw table that it reads. `headwater run` compares this with now (loader/publish/news.py):
    a domain without news is neither built nor published.
#}
{% macro forget_domain_builds() -%}
    {%- for domain in list_selected_domains() -%}
        {%- do run_query("delete from operations.domain_builds where domain = '" ~ domain ~ "'") -%}
    {%- endfor -%}
{%- endmacro %}

{% macro record_domain_builds(results) -%}
    {%- set in_this_run = results | map(attribute='node.unique_id') | list -%}
    {%- for domain in list_domains() -%}
        {%- set nodes = list_nodes(domain) + list_nodes('shared') -%}
        {%- set left_out = nodes | map(attribute='unique_id') | reject('in', in_this_run) | list -%}
        {%- if not left_out and not find_failing_nodes(domain) -%}
            {%- do _record_domain_build(domain) -%}
            {%- do _record_unit_tests(domain, results) -%}
        {%- endif -%}
    {%- endfor -%}
{%- endmacro %}

{% macro _record_domain_build(domain) -%}
    {%- set read = [] -%}
    {%- for node in list_nodes(domain) if node.resource_type == 'model' -%}
        {%- do read.extend(node.depends_on.nodes | select('in', graph.sources)) -%}
    {%- endfor -%}
    {%- set inputs = [] -%}
    {%- for source in graph.sources.values() if source.unique_id in read -%}
        {%- do inputs.append(
            "select '" ~ domain ~ "', '" ~ source.schema ~ "." ~ source.identifier ~ "', count(*), max(_dlt_load_id)"
            ~ " from " ~ source.schema ~ "." ~ source.identifier
        ) -%}
    {%- endfor -%}
    {%- do run_query(
        "begin;
        delete from operations.domain_inputs where domain = '" ~ domain ~ "';
        " ~ ("insert into operations.domain_inputs " ~ inputs | join(" union all ") ~ ";" if inputs) ~ "
        insert into operations.domain_builds
        select '" ~ domain ~ "', '" ~ invocation_id ~ "', code_fingerprint('" ~ domain ~ "'),
            privacy_fingerprint(), now();
        commit"
    ) -%}
{%- endmacro %}

{# Unit tests test code: they run again when it changes. #}
{% macro _record_unit_tests(domain, results) -%}
    {%- set ran = [] -%}
    {%- for result in results
        if result.node.resource_type == 'unit_test'
        and find_domain(graph.nodes[result.node.tested_node_unique_id]) in [domain, 'shared'] -%}
        {%- do ran.append(result) -%}
    {%- endfor -%}
    {%- if ran and not ran | rejectattr('status', 'in', ['pass', 'warn', 'success']) | list -%}
        {%- do run_query(
            "begin;
            delete from operations.unit_tests_passed where domain = '" ~ domain ~ "';
            insert into operations.unit_tests_passed select '" ~ domain ~ "', code_fingerprint('" ~ domain ~ "');
            commit"
        ) -%}
    {%- endif -%}
{%- endmacro %}
