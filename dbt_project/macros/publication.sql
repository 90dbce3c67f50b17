{#
    Publication is all or nothing. On Postgres the marts are built and tested in `marts_next`; when every mart was
    built and every test on marts passed in this run, one transaction puts it in the place of `marts`.
#}
{% macro clear_next_marts() -%}
    {%- set marts = find_marts() | map(attribute='unique_id') | list -%}
    {%- set selected = marts | select('in', selected_resources) | list -%}
    {%- if flags.WHICH in ['build', 'run'] and selected | length < marts | length -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built or published: Postgres takes all " ~ marts | length ~ " marts at once, and "
            ~ selected | length ~ " are selected. Leave out --select, or select from them in DuckDB."
        ) }}
    {%- elif flags.WHICH == 'test' -%}
        {{ exceptions.raise_compiler_error(
            "In Postgres marts are tested while they are built, before they are published: use `dbt build`."
        ) }}
    {%- elif selected -%}
        {%- do _refuse_without_handoff() -%}
        {# adapter.drop_schema, unlike plain SQL, also forgets what dbt has cached of it #}
        {%- set next_marts = api.Relation.create(database=target.database, schema='marts_next') -%}
        {%- do adapter.drop_schema(next_marts) -%}
        {%- do adapter.create_schema(next_marts) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _refuse_without_handoff() -%}
    {%- set there = run_query("select tablename from pg_tables where schemaname = 'transform'").columns[0].values() -%}
    {%- for model in find_handed_off_models() if model.name not in there -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built: " ~ model.name ~ " is not in Postgres yet. Run `dbt run-operation handoff` first."
        ) }}
    {%- endfor -%}
{%- endmacro %}

{% macro publish_marts(results) -%}
    {%- set passed = results | selectattr('status', 'in', ['success', 'pass', 'warn'])
        | map(attribute='node.unique_id') | list -%}
    {%- set missing = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id not in passed and _is_needed_to_publish(node) -%}
        {%- do missing.append(node.name) -%}
    {%- endfor -%}
    {%- if passed | length < results | length -%}
        {%- do log("Not published: " ~ (results | length - passed | length) ~ " models or tests did not pass."
            ~ " Readers keep the marts of before; what was built lies in schema marts_next.", info=true) -%}
    {%- elif missing -%}
        {%- do log("Not published: this run left out " ~ missing | length ~ " of the marts and their tests ("
            ~ missing[:3] | join(', ') ~ " …). `dbt build --target postgres` publishes all of them.", info=true) -%}
    {%- else -%}
        {%- do swap_marts() -%}
        {%- do log("Published " ~ find_marts() | length ~ " marts.", info=true) -%}
    {%- endif -%}
{%- endmacro %}

{# Every mart, and every test that needs nothing but marts. #}
{% macro _is_needed_to_publish(node) -%}
    {%- if node.resource_type == 'model' -%}
        {{ return(node.fqn[1] == 'marts') }}
    {%- elif node.resource_type == 'test' -%}
        {%- set marts = find_marts() | map(attribute='unique_id') | list -%}
        {{ return(node.depends_on.nodes and node.depends_on.nodes | reject('in', marts) | list | length == 0) }}
    {%- endif -%}
    {{ return(false) }}
{%- endmacro %}

{% macro swap_marts() -%}
    {%- do run_query("
        begin;
        do $$
        begin
            if to_regrole('headwater_reader') is null then
                create role headwater_reader login;
                alter role headwater_reader set default_transaction_read_only = on;
                alter role headwater_reader set search_path = marts;
            end if;
        exception when insufficient_privilege then
            null;  -- said below
        end
        $$;
        do $$
        begin
            if to_regrole('headwater_reader') is not null then
                revoke all on schema transform from headwater_reader;
                grant usage on schema marts_next to headwater_reader;
                grant select on all tables in schema marts_next to headwater_reader;
            end if;
            drop schema if exists marts_old cascade;
            if to_regnamespace('marts') is not null then
                alter schema marts rename to marts_old;
            end if;
            alter schema marts_next rename to marts;
        end
        $$;
        commit;
    ") -%}
    {# Dropping waits for whoever still reads the old marts, so it comes after the swap. #}
    {%- do run_query("begin; drop schema if exists marts_old cascade; commit;") -%}
    {%- if run_query("select to_regrole('headwater_reader')")[0][0] is none -%}
        {%- do log("The role headwater_reader is missing, and " ~ target.user ~ " may not create roles: have it created"
            ~ " (create role headwater_reader login) and publish again.", info=true) -%}
    {%- endif -%}
{%- endmacro %}
