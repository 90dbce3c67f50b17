{#
    Publication is all or nothing. On Postgres the marts are built and tested in `marts_next`; when every mart was
    built and every test on marts passed in this run, one transaction puts them in the place of those in `marts`
    (swap.sql).
#}
{% macro clear_next_marts() -%}
    {%- set marts = find_marts() | map(attribute='unique_id') | list -%}
    {%- set selected = marts | select('in', selected_resources) | list -%}
    {%- set selected_models = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('unique_id', 'in', selected_resources) | list -%}
    {%- if flags.WHICH in ['build', 'run'] and selected | length < marts | length -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built or published: Postgres takes all " ~ marts | length ~ " marts at once, and "
            ~ selected | length ~ " are selected. Leave out --select, or select from them in DuckDB."
        ) }}
    {%- elif flags.WHICH in ['build', 'run'] and selected_models | length > marts | length -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built or published: Postgres takes marts only, and other models are selected, too."
            ~ " (--exclude alone selects all of them.) Leave out --select and --exclude."
        ) }}
    {%- elif flags.WHICH == 'test' -%}
        {{ exceptions.raise_compiler_error(
            "In Postgres marts are tested while they are built, before they are published: use `dbt build`."
        ) }}
    {%- elif selected -%}
        {%- do _refuse_without_handoff() -%}
        {%- do refuse_other_privacy() -%}
        {%- do _drop_next_marts() -%}
        {%- do adapter.create_schema(api.Relation.create(database=target.database, schema='marts_next')) -%}
        {%- do _start_build_notes() -%}
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

{#
    Not while a swap is under way: its schema is `marts_next` until it commits, and the drop would go on to what is
    `marts` by then. The lock is held until adapter.drop_schema commits; that one, unlike plain SQL, also forgets what
    dbt has cached of the schema.
#}
{% macro _drop_next_marts() -%}
    {%- do run_query("
        do $$
        begin
            perform set_config('lock_timeout', '" ~ lock_timeout_milliseconds() ~ "ms', true);
            " ~ lock_next_marts() ~ "
            drop schema if exists marts_next cascade;
        exception when lock_not_available then
            raise exception 'Nothing was built: another run is building or publishing the marts, or a session reads"
            ~ " schema marts_next. Wait for it, then `dbt build --target postgres`.';
        end
        $$
    ") -%}
    {%- do adapter.drop_schema(api.Relation.create(database=target.database, schema='marts_next')) -%}
{%- endmacro %}

{% macro lock_next_marts() -%}
    perform pg_advisory_xact_lock(hashtext('headwater: marts_next'));
{%- endmacro %}

{#
    What this run builds, and from what: two runs at once share `marts_next`, and a handoff may come between two
    marts. dbt closes its connections between models, so no lock can keep either away; the swap reads here whether
    they came. A table that is replaced gets another oid.
#}
{% macro _start_build_notes() -%}
    {%- do run_query("
        begin;
        create table marts_next.build_notes (schema_name name, table_name name, table_oid oid, invocation_id text);
        insert into marts_next.build_notes
        select 'transform', relname, oid, '" ~ invocation_id ~ "'
        from pg_class where relnamespace = to_regnamespace('transform') and relkind = 'r';
        commit;
    ") -%}
{%- endmacro %}

{# The post-hook of every mart. #}
{% macro note_built_mart() -%}
    {%- if target.type == 'postgres' -%}
        insert into marts_next.build_notes
        values ('marts_next', '{{ this.identifier }}', '{{ this }}'::regclass, '{{ invocation_id }}')
    {%- endif -%}
{%- endmacro %}

{#
    Answers the statements that publish. What goes wrong in them is an error of the hook that runs them: dbt ends
    with the message and a status that is not zero.
#}
{% macro publish_marts(results) -%}
    {%- set left_out = _find_left_out(results) -%}
    {%- if _count_failed(results) -%}
        {%- do log("Not published: " ~ _count_failed(results) ~ " models or tests did not pass."
            ~ " Readers keep the marts of before; what was built lies in schema marts_next.", info=true) -%}
    {%- elif left_out -%}
        do $$ begin raise exception '{{ "Not published: this run left out " ~ left_out | length
            ~ " of the marts and their tests (" ~ left_out[:3] | join(', ')
            ~ " …). `dbt build --target postgres` publishes all of them." }}'; end $$
    {%- else -%}
        {{ swap_marts() }}
    {%- endif -%}
{%- endmacro %}

{# dbt comes here only when the statements of publish_marts went well. #}
{% macro tell_of_publication(results) -%}
    {%- if not _count_failed(results) -%}
        {%- do log("Published " ~ find_marts() | length ~ " marts.", info=true) -%}
        {%- if run_query("select to_regrole('headwater_reader')")[0][0] is none -%}
            {%- do log("The role headwater_reader is missing, and " ~ target.user ~ " may not create roles: have it"
                ~ " created (create role headwater_reader login) and publish again.", info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# An exposure is a `no-op`: nothing is built for it. #}
{% macro _find_passed(results) -%}
    {{ return(results | selectattr('status', 'in', ['success', 'pass', 'warn', 'no-op'])
        | map(attribute='node.unique_id') | list) }}
{%- endmacro %}

{% macro _count_failed(results) -%}
    {{ return(results | length - _find_passed(results) | length) }}
{%- endmacro %}

{# The marts and their tests that are not among the results. #}
{% macro _find_left_out(results) -%}
    {%- set passed = _find_passed(results) -%}
    {%- set left_out = [] -%}
    {%- for node in graph.nodes.values() if node.unique_id not in passed and _is_needed_to_publish(node) -%}
        {%- do left_out.append(node.name) -%}
    {%- endfor -%}
    {{ return(left_out) }}
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
