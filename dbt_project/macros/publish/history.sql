{#
    Snapshots are observed and cannot be computed again, so the warehouse must not be their only copy. Each handoff copies
    them to Postgres's schema `history`, which readers cannot see. A warehouse without a snapshot, because it was deleted,
    gets it back from there before it is built, and no handoff replaces a history by one that lacks some of it.
    In the pseudonymous mode Postgres holds no true rows, and so no history.
#}
{% macro list_snapshots(domain) -%}
    {%- set snapshots = [] -%}
    {%- for node in list_nodes(domain) if node.resource_type == 'snapshot' -%}
        {%- do snapshots.append(node) -%}
    {%- endfor -%}
    {{ return(snapshots) }}
{%- endmacro %}

{# Before a build or a snapshot. The embedded server is asked only if it was ever used. #}
{% macro restore_missing_history() -%}
    {%- set missing = [] -%}
    {%- for domain in list_selected_domains() if not is_pseudonymous() -%}
        {%- for snapshot in list_snapshots(domain) if not _is_in_warehouse(snapshot) -%}
            {%- do missing.append(snapshot) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if missing and run_query("select has_published()")[0][0] -%}
        {%- do restore_history(missing) -%}
    {%- endif -%}
{%- endmacro %}

{# `dbt run-operation restore_history`: replaces the history in the warehouse by the one that Postgres holds. #}
{% macro restore_history(snapshots=none) -%}
    {%- set wanted = [] -%}
    {%- for domain in list_domains() -%}
        {%- do wanted.extend(list_snapshots(domain)) -%}
    {%- endfor -%}
    {%- do attach_postgres() -%}
    {%- for snapshot in snapshots or wanted if _is_in_postgres(snapshot) -%}
        {%- do run_query("create schema if not exists " ~ adapter.quote(snapshot.schema)) -%}
        {%- do run_query("create or replace table " ~ _name_in_warehouse(snapshot) ~ " as select * from "
            ~ _name_in_postgres(snapshot)) -%}
        {#- dbt has listed the relations by now -#}
        {%- do adapter.cache_added(api.Relation.create(
            database=snapshot.database, schema=snapshot.schema, identifier=snapshot.alias, type='table'
        )) -%}
        {%- do log("Restored the history " ~ snapshot.name ~ " from Postgres: "
            ~ run_query("select count(*) from " ~ _name_in_warehouse(snapshot))[0][0] ~ " versions.", info=true) -%}
    {%- endfor -%}
    {%- do run_query("detach postgres_server") -%}
{%- endmacro %}

{# A sentence if the handoff of a domain would lose versions that Postgres holds, else nothing. #}
{% macro describe_lost_history(domain) -%}
    {%- for snapshot in list_snapshots(domain) if not is_pseudonymous() and _is_in_postgres(snapshot) -%}
        {%- set lost = run_query(
            "select count(*) from " ~ _name_in_postgres(snapshot) ~ " where dbt_scd_id not in (select dbt_scd_id from "
            ~ _name_in_warehouse(snapshot) ~ ")"
        )[0][0] -%}
        {%- if lost -%}
            {{ return(
                domain ~ " was not handed off: " ~ lost ~ " versions of the history " ~ snapshot.name ~ " are in Postgres"
                ~ " and not in the warehouse, and would be lost. `dbt run-operation restore_history` takes them from"
                ~ " Postgres; `dbt run-operation handoff --args '{shrink_history: true}'` and `headwater run"
                ~ " --shrink-history` give them up."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return('') }}
{%- endmacro %}

{# The statements of a handoff, inside its transaction. #}
{% macro copy_history(domains) -%}
    {%- if is_pseudonymous() -%}
        {{ return(["call postgres_execute('postgres_server', 'drop schema if exists history cascade')"]) }}
    {%- endif -%}
    {%- set statements = ["create schema if not exists postgres_server.history"] -%}
    {%- for domain in domains -%}
        {%- for snapshot in list_snapshots(domain) -%}
            {%- do statements.extend([
                "drop table if exists " ~ _name_in_postgres(snapshot),
                "create table " ~ _name_in_postgres(snapshot) ~ " as select * from " ~ _name_in_warehouse(snapshot),
            ]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(statements if statements | length > 1 else []) }}
{%- endmacro %}

{% macro _name_in_warehouse(snapshot) -%}
    {{ return(adapter.quote(snapshot.schema) ~ "." ~ adapter.quote(snapshot.alias)) }}
{%- endmacro %}

{% macro _name_in_postgres(snapshot) -%}
    {{ return("postgres_server.history." ~ adapter.quote(snapshot.alias)) }}
{%- endmacro %}

{% macro _is_in_warehouse(snapshot) -%}
    {{ return(run_query(
        "select count(*) from duckdb_tables() where database_name = current_database() and schema_name = '"
        ~ snapshot.schema ~ "' and table_name = '" ~ snapshot.alias ~ "'"
    )[0][0] > 0) }}
{%- endmacro %}

{# Asked in Postgres: DuckDB would remember which schemas there are, and not see those that the handoff makes. #}
{% macro _is_in_postgres(snapshot) -%}
    {{ return(run_query(
        "select is_there from postgres_query('postgres_server', 'select to_regclass(''history.\"" ~ snapshot.alias
        ~ "\"'') is not null as is_there')"
    )[0][0]) }}
{%- endmacro %}
