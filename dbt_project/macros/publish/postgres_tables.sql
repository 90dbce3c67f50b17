{#
    A mart on Postgres gets its keys after its rows: that takes half the time for a million rows, and foreign keys
    are checked by one join instead of row by row. dbt's own macro declares them with the empty table.
#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {%- if temporary or not config.get('contract').enforced -%}
        create {{ 'temporary ' if temporary }}table {{ relation }} as ({{ sql }});
    {%- else -%}
        {{ get_assert_columns_equivalent(sql) }}
        create table {{ relation }} (
            {{ adapter.render_raw_columns_constraints(raw_columns=model['columns']) | join(',\n            ') }}
        );
        insert into {{ relation }} {{ '(' }}{{ adapter.dispatch('get_column_names', 'dbt')() }}{{ ')' }}
        {{ get_select_subquery(sql) }};
        {% for constraint in adapter.render_raw_model_constraints(raw_constraints=name_constraints(model)) -%}
            alter table {{ relation }} add {{ constraint }};
        {% endfor -%}
        analyze {{ relation }};
    {%- endif -%}
{%- endmacro %}

{# Readable names for errors: Postgres would name them after the table before it is renamed. #}
{% macro name_constraints(model) -%}
    {%- set named = [] -%}
    {%- for constraint in model['constraints'] -%}
        {%- set name = model['name'] ~ '_pkey' if constraint['type'] == 'primary_key'
            else model['name'] ~ '_' ~ constraint['columns'] | join('_') ~ '_fkey' -%}
        {%- do named.append(dict(constraint, name=name)) -%}
    {%- endfor -%}
    {{ return(named) }}
{%- endmacro %}
