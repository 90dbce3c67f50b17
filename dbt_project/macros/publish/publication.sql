{#
    Publication is all or nothing, domain by domain. On Postgres the marts are built and tested in `marts_next`; of
    each domain of which every mart was built and every test passed in this run, one transaction puts the marts in
    place of those in `marts` (swap.sql). Shared marts are part of every publication.
#}
{% macro clear_next_marts() -%}
    {%- set selected = [] -%}
    {%- set in_part = [] -%}
    {%- for domain in list_domains() -%}
        {%- set marts = list_marts(domain) | map(attribute='unique_id') | list -%}
        {%- set chosen = marts | select('in', selected_resources) | list -%}
        {%- if chosen -%}
            {%- do selected.append(domain) -%}
        {%- endif -%}
        {%- if chosen and chosen | length < marts | length -%}
            {%- do in_part.append(chosen | length ~ " of the " ~ marts | length ~ " marts of " ~ domain) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set shared = list_marts('shared') | map(attribute='unique_id') | list -%}
    {%- set others = [] -%}
    {%- for node in graph.nodes.values()
        if node.unique_id in selected_resources and node.resource_type == 'model' and node.fqn[1] != 'marts' -%}
        {%- do others.append(node) -%}
    {%- endfor -%}
    {%- if flags.WHICH == 'test' -%}
        {{ exceptions.raise_compiler_error(
            "In Postgres marts are tested while they are built, before they are published: use `dbt build`."
        ) }}
    {%- elif flags.WHICH not in ['build', 'run'] -%}
        {{ return('') }}
    {%- elif others -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built or published: Postgres takes marts only, and other models are selected, too ("
            ~ name_some(others) ~ "). Select whole domains by tag (--select tag:" ~ list_domains() | first
            ~ "), or leave out --select and --exclude."
        ) }}
    {%- elif in_part or not selected or shared | reject('in', selected_resources) | list -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built or published: Postgres takes whole domains with the shared marts, and this selects "
            ~ (in_part | join(', ') or "none") ~ ". Select domains by tag (--select tag:" ~ list_domains() | first
            ~ "), or leave out --select and --exclude."
        ) }}
    {%- endif -%}
    {%- do refuse_other_privacy() -%}
    {%- do _refuse_without_handoff(selected) -%}
    {%- do _drop_next_marts() -%}
    {%- do adapter.create_schema(api.Relation.create(database=target.database, schema='marts_next')) -%}
    {%- do _start_build_notes() -%}
{%- endmacro %}

{# A domain that was never handed off cannot be built. The others are built. #}
{% macro _refuse_without_handoff(domains) -%}
    {%- set there = run_query("select tablename from pg_tables where schemaname = 'transform'").columns[0].values() -%}
    {%- set missing = {} -%}
    {%- for domain in domains -%}
        {%- for model in find_handed_off_models(domain) if model.name not in there -%}
            {%- do missing.update({domain: model.name}) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for domain, name in missing.items() -%}
        {%- set text = domain ~ " was not handed off: " ~ name ~ " is not in Postgres yet. Run `dbt run-operation"
            ~ " handoff` first." -%}
        {%- if missing | length == domains | length -%}
            {{ exceptions.raise_compiler_error("Nothing was built: " ~ text) }}
        {%- endif -%}
        {%- do log("Held back: " ~ text, info=true) -%}
    {%- endfor -%}
{%- endmacro %}

{#
    Not during a swap: its tables are in `marts_next` until it commits, and the drop would then drop what has become
    `marts`. The lock is held until adapter.drop_schema commits; that one, unlike plain SQL, also forgets what
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
    marts. dbt closes its connections between models, so no lock can prevent either; the swap reads here whether it
    happened. A replaced table has another oid.
#}
{% macro _start_build_notes() -%}
    {%- do run_query("
        begin;
        create table marts_next.build_notes (
            schema_name name, table_name name, table_oid oid, invocation_id text, domain text
        );
        insert into marts_next.build_notes
        select 'transform', relname, oid, '" ~ invocation_id ~ "'
        from pg_class where relnamespace = to_regnamespace('transform') and relkind = 'r';
        commit;
    ") -%}
{%- endmacro %}

{# The post-hook of every mart. #}
{% macro note_built_mart() -%}
    {%- if target.type == 'postgres' -%}
        insert into marts_next.build_notes values (
            'marts_next', '{{ this.identifier }}', '{{ this }}'::regclass, '{{ invocation_id }}',
            '{{ find_domain(model) }}'
        )
    {%- elif execute -%}
        {{ note_years_of_mart() }}
    {%- endif -%}
{%- endmacro %}

{#
    Returns the statements that publish. If one of them fails, so does the hook that runs them: dbt ends with the
    message and a non-zero status.
#}
{% macro publish_marts(results) -%}
    {%- set published = find_published_domains(results) -%}
    {%- for sentence in _describe_held_back(results) -%}
        {%- do log(sentence, info=true) -%}
    {%- endfor -%}
    {%- set left_out = _find_left_out(results) -%}
    {%- if published -%}
        {%- if has_staying_marts(published) -%}
            {{ grow_shared_marts(published) }}
        {%- endif -%}
        {{ swap_marts(published) }}
    {%- endif -%}
    {%- if left_out -%}
        do $$ begin raise exception '{{ "Not published: this run left out " ~ left_out | length
            ~ " of the marts and their tests (" ~ name_some(left_out) ~ "). `dbt build --target postgres` publishes"
            ~ " all of them." }}'; end $$
    {%- endif -%}
{%- endmacro %}

{# dbt comes here only when the statements of publish_marts were successful. #}
{% macro report_publication(results) -%}
    {%- set published = find_published_domains(results) -%}
    {%- if published -%}
        {%- set marts = [] -%}
        {%- for domain in published + ['shared'] -%}
            {%- do marts.extend(list_marts(domain)) -%}
        {%- endfor -%}
        {%- do log("Published " ~ marts | length ~ " marts of " ~ published | join(', ') ~ ".", info=true) -%}
        {%- if run_query("select to_regrole('headwater_reader')")[0][0] is none -%}
            {%- do log("The role headwater_reader is missing, and " ~ target.user ~ " may not create roles: have it"
                ~ " created (create role headwater_reader login) and publish again.", info=true) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The domains of which every mart, and every test that needs nothing else, was successful in this run. #}
{% macro find_published_domains(results) -%}
    {%- set published = [] -%}
    {%- if not _find_failed(results, 'shared') -%}
        {%- set left_out = _find_left_out(results) | map(attribute='unique_id') | list -%}
        {%- set in_this_run = results | map(attribute='node.unique_id') | list -%}
        {%- for domain in list_domains() if not _find_failed(results, domain) -%}
            {%- set nodes = _list_needed_to_publish(domain) + _list_needed_to_publish('shared') -%}
            {%- set ids = nodes | map(attribute='unique_id') | list -%}
            {%- if list_marts(domain) and not ids | reject('in', in_this_run) | list -%}
                {%- do published.append(domain) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(published) }}
{%- endmacro %}

{% macro _describe_held_back(results) -%}
    {%- set sentences = [] -%}
    {%- for domain in list_domains() -%}
        {%- set failed = _find_failed(results, domain) + _find_failed(results, 'shared') -%}
        {%- if failed and results | map(attribute='node.unique_id') | select('in',
            list_marts(domain) | map(attribute='unique_id') | list) | first -%}
            {%- do sentences.append(
                "Not published: " ~ failed | length ~ " models or tests of " ~ domain ~ " did not pass. Readers still"
                ~ " see its previous marts; what was built is in schema marts_next."
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(sentences) }}
{%- endmacro %}

{# An exposure is a `no-op`: nothing is built for it. #}
{% macro _find_failed(results, domain) -%}
    {%- set failed = [] -%}
    {%- for result in results
        if result.status not in ['success', 'pass', 'warn', 'no-op'] and find_domain(result.node) == domain -%}
        {%- do failed.append(result.node) -%}
    {%- endfor -%}
    {{ return(failed) }}
{%- endmacro %}

{# Of the domains that this run builds, the marts and tests that it leaves out. #}
{% macro _find_left_out(results) -%}
    {%- set in_this_run = results | map(attribute='node.unique_id') | list -%}
    {%- set left_out = [] -%}
    {%- for domain in list_domains() + ['shared'] -%}
        {%- set needed = _list_needed_to_publish(domain) -%}
        {%- set marts = list_marts(domain) | map(attribute='unique_id') | list -%}
        {%- if marts | select('in', in_this_run) | first -%}
            {%- do left_out.extend(needed | rejectattr('unique_id', 'in', in_this_run)) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(left_out) }}
{%- endmacro %}

{# Every mart of the domain, and every test that needs nothing but marts. #}
{% macro _list_needed_to_publish(domain) -%}
    {%- set needed = [] -%}
    {%- for node in list_nodes(domain) -%}
        {%- if node.resource_type == 'model' and node.fqn[1] == 'marts' -%}
            {%- do needed.append(node) -%}
        {%- elif node.resource_type == 'test' and node.depends_on.nodes -%}
            {%- set others = [] -%}
            {%- for parent in node.depends_on.nodes
                if parent not in graph.nodes or graph.nodes[parent].fqn[1] != 'marts' -%}
                {%- do others.append(parent) -%}
            {%- endfor -%}
            {%- if not others -%}
                {%- do needed.append(node) -%}
            {%- endif -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(needed) }}
{%- endmacro %}
