{#
    `dbt run-operation handoff`: copies the transform tables that the marts read to Postgres's schema `transform`,
    in one transaction. Which tables these are is read from the graph. Nothing is handed off while a model or a test
    of the last build is not well. In the pseudonymous mode each is copied from its counterpart (privacy.sql), in the
    order of its pseudonyms: rows in that of true ids would tell which is which.
#}
{% macro handoff() %}
    {%- if target.type != 'duckdb' -%}
        {{ exceptions.raise_compiler_error("The handoff starts in DuckDB: leave out --target.") }}
    {%- endif -%}
    {%- do refuse_unknown_privacy() -%}
    {%- if not adapter.get_relation(target.database, 'operations', 'node_results') -%}
        {{ exceptions.raise_compiler_error("Nothing is built yet. Run `dbt build` first.") }}
    {%- endif -%}
    {%- set unfit = find_unfit_nodes() -%}
    {%- if unfit -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: " ~ unfit | length ~ " models or tests have not passed since they were last"
            ~ " built (" ~ unfit[:5] | join(', ') ~ "). Run `dbt build` and mend what it shows."
        ) }}
    {%- endif -%}

    {%- set copies = find_copies(find_handed_off_models()) -%}
    {%- set places = run_query("select postgres_extension_path(), postgres_connection_string()")[0] -%}
    {%- if places[1].startswith('error: ') -%}
        {{ exceptions.raise_compiler_error("Nothing was handed off: " ~ places[1][7:]) }}
    {%- endif -%}
    {%- do run_query("load '" ~ places[0] ~ "'") -%}
    {%- do run_query("attach '" ~ places[1] | replace("'", "''") ~ "' as postgres_server (type postgres)") -%}

    {%- do refuse_public_after_pseudonymous() -%}
    {%- set statements = [
        "commit",
        "begin",
        "call postgres_execute('postgres_server', 'set local lock_timeout = " ~ lock_timeout_milliseconds() ~ "')",
        "create schema if not exists postgres_server.transform",
    ] -%}
    {%- for name in _find_tables_in_transform() -%}
        {%- do statements.append("drop table postgres_server.transform." ~ adapter.quote(name)) -%}
    {%- endfor -%}
    {%- for name, model in copies.items() -%}
        {%- do statements.append(
            "create table postgres_server.transform." ~ adapter.quote(name)
            ~ " as select * from " ~ adapter.quote(model.schema) ~ "." ~ adapter.quote(model.alias)
            ~ (" order by all" if is_pseudonymous())
        ) -%}
    {%- endfor -%}
    {%- if is_pseudonymous() -%}
        {%- do statements.append(mark_transform()) -%}
    {%- endif -%}
    {%- do statements.append("commit") -%}
    {%- do run_query(statements | join(";\n")) -%}
    {%- do run_query("detach postgres_server") -%}
    {%- do log("Handed off " ~ copies | length ~ " tables to Postgres"
        ~ (", with pseudonyms." if is_pseudonymous() else "."), info=true) -%}
{% endmacro %}

{# The transform models that a mart reads, by name. #}
{% macro find_handed_off_models() -%}
    {%- set unique_ids = [] -%}
    {%- for mart in find_marts() -%}
        {%- for parent in mart.depends_on.nodes
            if parent not in unique_ids and graph.nodes[parent].fqn[1] == 'transform' -%}
            {%- do unique_ids.append(parent) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- set models = [] -%}
    {%- for unique_id in unique_ids | sort -%}
        {%- do models.append(graph.nodes[unique_id]) -%}
    {%- endfor -%}
    {{ return(models) }}
{%- endmacro %}

{% macro find_marts() -%}
    {%- set marts = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
        {%- do marts.append(node) -%}
    {%- endfor -%}
    {{ return(marts) }}
{%- endmacro %}

{% macro _find_tables_in_transform() -%}
    {{ return(run_query(
        "select table_name from duckdb_tables()
        where database_name = 'postgres_server' and schema_name = 'transform' order by table_name"
    ).columns[0].values()) }}
{%- endmacro %}
