{# Schema names are used as written. On Postgres marts are built beside the published ones (see publication.sql). #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if custom_schema_name is none -%}
        {{ target.schema }}
    {%- elif custom_schema_name == 'marts' and target.type == 'postgres' -%}
        marts_next
    {%- else -%}
        {{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
