{# The sources whose records are kept as documents, each with its tables of them: what holds for raw holds for all. #}
{% macro document_sources() -%}
    {{ return({
        'openalex': ['roster', 'authors', 'works', 'institutions', 'topics', 'coauthor_years'],
        'semantic_scholar': ['papers', 'lookups'],
    }) }}
{%- endmacro %}

{# The rows of all these tables, with where they stand. #}
{% macro all_documents(columns) -%}
    {%- for source_name, resources in document_sources().items() -%}
    {%- set is_last_source = loop.last -%}
    {%- for resource in resources %}
    select
        '{{ source_name }}' as source_name,
        '{{ resource }}' as resource,
        {{ columns | join(', ') }}
    from {{ source(source_name, resource) }}
    {% if not (is_last_source and loop.last) %}union all{% endif %}
    {%- endfor %}
    {%- endfor %}
{%- endmacro %}

{# The rows of the table that every source has by this name. #}
{% macro all_sources(table, columns) -%}
    {%- for source_name in document_sources() %}
    select
        '{{ source_name }}' as source_name,
        {{ columns | join(', ') }}
    from {{ source(source_name, table) }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro %}
