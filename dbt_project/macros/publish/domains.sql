{#
    A domain is a folder of models, such as models/marts/academic. It is built, handed off and published apart from the
    others. `shared` is not a domain: its models go with each of them.
#}
{% macro list_domains() -%}
    {%- set domains = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[2] not in domains + ['shared'] -%}
        {%- do domains.append(node.fqn[2]) -%}
    {%- endfor -%}
    {{ return(domains | sort) }}
{%- endmacro %}

{# The domain that a model, seed, snapshot or test belongs to, by its folder. #}
{% macro find_domain(node) -%}
    {%- set place = 2 if node.fqn[1] in ['staging', 'transform', 'pseudonymous', 'marts'] else 1 -%}
    {{ return('shared' if node.fqn[place] in ['shared', 'raw', 'generic'] else node.fqn[place]) }}
{%- endmacro %}

{# The models, seeds, snapshots and tests of a domain. #}
{% macro list_nodes(domain) -%}
    {%- set nodes = [] -%}
    {%- for node in graph.nodes.values()
        if node.resource_type in ['model', 'seed', 'snapshot', 'test'] and find_domain(node) == domain -%}
        {%- do nodes.append(node) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{%- endmacro %}

{# The domains of which this run builds or tests anything; all where it takes shared nodes alone. #}
{% macro list_selected_domains() -%}
    {%- set domains = [] -%}
    {%- for node in graph.nodes.values()
        if node.unique_id in selected_resources and find_domain(node) not in domains + ['shared'] -%}
        {%- do domains.append(find_domain(node)) -%}
    {%- endfor -%}
    {{ return(domains or list_domains()) }}
{%- endmacro %}

{% macro list_marts(domain) -%}
    {%- set marts = [] -%}
    {%- for node in list_nodes(domain) if node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
        {%- do marts.append(node) -%}
    {%- endfor -%}
    {{ return(marts) }}
{%- endmacro %}

{# The transform models that marts of the domain, or shared ones, read. #}
{% macro find_handed_off_models(domain) -%}
    {%- set unique_ids = [] -%}
    {%- for mart in list_marts(domain) + list_marts('shared') -%}
        {%- for parent in mart.depends_on.nodes
            if parent not in unique_ids and parent in graph.nodes and graph.nodes[parent].fqn[1] == 'transform' -%}
            {%- do unique_ids.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set models = [] -%}
    {%- for unique_id in unique_ids | sort -%}
        {%- do models.append(graph.nodes[unique_id]) -%}
    {%- endfor -%}
    {{ return(models) }}
{%- endmacro %}

{# The first five names of a list of nodes, for an error. #}
{% macro name_some(nodes) -%}
    {{ return(nodes[:5] | map(attribute='name') | join(', ') ~ (', …' if nodes | length > 5 else '')) }}
{%- endmacro %}
