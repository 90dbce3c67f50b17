{#
    `dbt run-operation handoff`: copies the transform tables that the marts read to Postgres's schema `transform`, in
    one transaction. It takes all domains whose models and tests were successful when they last ran, or with
    `--args '{domain: academic}'` one of them. `shrink_history`: versions of a history may be lost (history.sql). Tables of other domains stay. Which tables a domain has is read
    from the graph. In the pseudonymous mode each table is copied from its counterpart (privacy.sql), sorted by
    pseudonym: the order of true ids would reveal which row is which.
#}
{% macro handoff(domain=none, shrink_history=false) %}
    {%- if target.type != 'duckdb' -%}
        {{ exceptions.raise_compiler_error("The handoff starts in DuckDB: leave out --target.") }}
    {%- endif -%}
    {%- if domain and domain not in list_domains() -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: there is no enabled domain " ~ domain ~ ". Enabled are: "
            ~ list_domains() | join(', ') ~ "."
        ) }}
    {%- endif -%}
    {%- if not adapter.get_relation(target.database, 'operations', 'domain_builds') -%}
        {{ exceptions.raise_compiler_error("Nothing was handed off: nothing is built yet. Run `dbt build` first.") }}
    {%- endif -%}
    {%- set held_back = hand_off([domain] if domain else list_domains(), shrink_history) -%}
    {%- if held_back -%}
        {{ exceptions.raise_compiler_error(held_back | join(" ")) }}
    {%- endif -%}
{% endmacro %}

{# Hands off those of the domains that can be; returns a sentence for each of the others. #}
{% macro hand_off(domains, shrink_history) -%}
    {%- do refuse_unknown_privacy() -%}
    {%- set ready = [] -%}
    {%- set held_back = [] -%}
    {%- for domain in domains -%}
        {%- set failing = find_failing_nodes(domain) -%}
        {%- if not list_marts(domain) -%}
            {%- do held_back.append(
                domain ~ " was not handed off: it has no marts yet. Write one in models/marts/" ~ domain ~ "."
            ) -%}
        {%- elif failing -%}
            {%- do held_back.append(
                domain ~ " was not handed off: " ~ failing | length ~ " models or tests have not passed since they"
                ~ " were last built (" ~ name_some(failing) ~ "). Run `dbt build` and fix what it reports."
            ) -%}
        {%- else -%}
            {%- do ready.append(domain) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ready -%}
        {%- do attach_postgres() -%}
    {%- endif -%}
    {%- for domain in ready | list if not shrink_history -%}
        {%- set lost = describe_lost_history(domain) -%}
        {%- if lost -%}
            {%- do ready.remove(domain) -%}
            {%- do held_back.append(lost) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if ready -%}
        {%- do _copy_to_postgres(ready) -%}
    {%- else -%}
        {%- do held_back.insert(0, "Nothing was handed off:") -%}
    {%- endif -%}
    {{ return(held_back) }}
{%- endmacro %}

{% macro _copy_to_postgres(domains) -%}
    {%- do refuse_other_settings(domains) -%}
    {%- set copies = {} -%}
    {%- set owners = {} -%}
    {%- for domain in domains -%}
        {%- for name, model in find_copies(find_handed_off_models(domain)).items() -%}
            {%- do copies.update({name: model}) -%}
            {%- do owners.update({name: 'shared' if find_domain(model) == 'shared' else domain}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do refuse_public_after_pseudonymous() -%}
    {%- do _prepare_handoffs() -%}
    {#- dbt begins a transaction for an operation, but not for the hook of a run -#}
    {%- set statements = (["commit"] if flags.WHICH == 'run-operation' else []) + [
        "begin",
        "call postgres_execute('postgres_server', 'set local lock_timeout = " ~ lock_timeout_milliseconds() ~ "')",
        "create schema if not exists postgres_server.transform",
    ] -%}
    {%- for name in _find_replaced_tables(domains, copies) -%}
        {%- do statements.append("drop table postgres_server.transform." ~ adapter.quote(name)) -%}
    {%- endfor -%}
    {%- for name, model in copies.items() -%}
        {%- do statements.append(
            "create table postgres_server.transform." ~ adapter.quote(name)
            ~ " as select * from " ~ adapter.quote(model.schema) ~ "." ~ adapter.quote(model.alias)
            ~ (" order by all" if is_pseudonymous())
        ) -%}
    {%- endfor -%}
    {%- do statements.extend(copy_history(domains)) -%}
    {%- do statements.append(_record_handoffs(domains, owners)) -%}
    {%- if is_pseudonymous() -%}
        {%- do statements.append(mark_transform()) -%}
    {%- endif -%}
    {%- do statements.append("commit") -%}
    {%- do run_query(statements | join(";\n")) -%}
    {%- do run_query("detach postgres_server") -%}
    {%- do log("Handed off " ~ copies | length ~ " tables of " ~ domains | join(', ') ~ " to Postgres"
        ~ (", with pseudonyms." if is_pseudonymous() else "."), info=true) -%}
{%- endmacro %}

{# The values come from the process that runs dbt (loader/publish/dbt_plugin.py), without the password. #}
{% macro attach_postgres() -%}
    {%- set server = run_query("
        select server.extension_path, server.connection_string, server.error
        from (select find_postgres() as server)
    ")[0] -%}
    {%- if server['error'] -%}
        {{ exceptions.raise_compiler_error("Nothing was handed off: " ~ server['error']) }}
    {%- endif -%}
    {%- do run_query("load '" ~ server['extension_path'] ~ "'") -%}
    {%- do run_query(
        "attach if not exists '" ~ server['connection_string'] | replace("'", "''")
        ~ "' as postgres_server (type postgres)"
    ) -%}
{%- endmacro %}

{# Which table of `transform` belongs to which domain, and from which build it is. #}
{% macro _prepare_handoffs() -%}
    {%- do run_query("call postgres_execute('postgres_server', '
        create schema if not exists operations;
        create table if not exists operations.handoffs (
            domain text, table_name text, build_id text, primary key (domain, table_name)
        );
    ')") -%}
    {#- else DuckDB remembers the schemas that there were when it first looked -#}
    {%- do run_query("call pg_clear_cache()") -%}
{%- endmacro %}

{% macro _record_handoffs(domains, owners) -%}
    {%- set rows = [] -%}
    {%- for domain in domains + ['shared'] -%}
        {%- set build_id = run_query(
            "select build_id from operations.domain_builds where domain = '" ~ domain ~ "'"
        ) | map(attribute='build_id') | first -%}
        {%- for name, owner in owners.items() if owner == domain -%}
            {%- do rows.append("(''" ~ domain ~ "'', ''" ~ name ~ "'', "
                ~ ("''" ~ build_id ~ "''" if build_id else "null") ~ ")") -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(
        "call postgres_execute('postgres_server', '
            delete from operations.handoffs where domain in (''shared'', ''" ~ domains | join("'', ''") ~ "'');
            insert into operations.handoffs (domain, table_name, build_id) values " ~ rows | join(', ') ~ "
        ')"
    ) }}
{%- endmacro %}

{#
    The tables that the new ones replace, and those that these domains handed off before and no longer need. If
    `transform` holds true rows and pseudonymous ones come, all of its tables.
#}
{% macro _find_replaced_tables(domains, copies) -%}
    {%- set there = run_query(
        "select table_name from duckdb_tables()
        where database_name = 'postgres_server' and schema_name = 'transform' order by table_name"
    ).columns[0].values() -%}
    {%- set recorded = run_query(
        "select domain, table_name from postgres_server.operations.handoffs"
    ) -%}
    {%- set others = [] -%}
    {%- for row in recorded if row['domain'] not in domains + ['shared'] -%}
        {%- do others.append(row['table_name']) -%}
    {%- endfor -%}
    {%- set are_all_replaced = is_pseudonymous() and not is_transform_pseudonymous() -%}
    {%- set replaced = [] -%}
    {%- for name in there if are_all_replaced or name in copies or name not in others -%}
        {%- do replaced.append(name) -%}
    {%- endfor -%}
    {{ return(replaced) }}
{%- endmacro %}
