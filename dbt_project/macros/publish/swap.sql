{#
    The swap: one transaction that puts the tables of `marts_next` in the place of those in `marts`, for the domains
    that were successful. The schema itself stays, and with it the grants on it. Three things make it more than a
    rename:

    Postgres finds a table by its name statement by statement, so a reader's transaction could read one previous mart
    and one new mart. Therefore the old marts are locked first: the swap waits for transactions that have read one of
    them, and later ones wait for a moment and then find the new marts.

    A transaction whose snapshot is older than the new rows would find the new marts empty. The swap waits for it, too.

    What readers have made (grants, and views that read the marts) is carried over; if that is impossible, nothing is
    published.

    Marts of other domains stay as they are. A shared mart that they refer to stays too: see grow_shared_marts.
#}
{% macro swap_marts(domains) %}
begin;
{{ _prepare_reader_role() }}
do $swap$
declare
    begun_at constant timestamptz := clock_timestamp();
    -- A reader and the swap may wait for each other. Postgres would end one of the two after deadlock_timeout: the
    -- swap lets go of everything well before that, and tries again.
    attempt_time constant interval := current_setting('deadlock_timeout')::interval / 2;
    attempt_ends_at timestamptz;
    place regclass;
    -- Most readers read the marts in one order, and a view before its marts. So the table that the last attempt waited
    -- for is locked first, and views before tables: readers queue there and hold nothing that the swap still needs.
    contended regclass;
    old_marts regclass[];
    new_marts regclass[];
    kept_marts regclass[];
    readable regclass[];
    grants text[];
    statement text;
    views regclass[];
    definitions text[];
    holders text;
    detail text;
begin
    perform set_config('search_path', '', true);  -- names are written with their schema
    {{ lock_next_marts() }}
    {{ _refuse_other_build() }}
    create schema if not exists marts;
    {{ _prepare_publications() }}
    kept_marts := {{ _find_kept_marts(domains) }};
    {{ _refer_to_kept_marts(domains) }}
    loop
        begin
            {{ _wait_for_old_snapshots() }}

            select coalesce(array_agg(table_oid::regclass), '{}') into new_marts from marts_next.build_notes
            where schema_name = 'marts_next' and domain in ({{ _quote_all(domains + ['shared']) }})
            and table_name not in (select relname from pg_catalog.pg_class where oid = any(kept_marts));
            select coalesce(array_agg(oid), '{}') into old_marts from pg_catalog.pg_class
            where relnamespace = 'marts'::regnamespace and relkind = 'r' and oid <> all(kept_marts)
            and relname not in ({{ _select_staying_names(domains) }});
            {{ _find_views() }}

            attempt_ends_at := clock_timestamp() + attempt_time;
            for contended in
                select listed.place from unnest(views || old_marts || new_marts) with ordinality as listed (place, position)
                order by listed.place is not distinct from contended desc, listed.position
            loop
                perform set_config('lock_timeout', greatest(
                    1, extract(milliseconds from attempt_ends_at - clock_timestamp())
                )::int::text, true);
                if contended = any(views) then
                    -- `lock table` would ask for rights that a view's owner need not have
                    {{ _define_view('contended') }}
                else
                    execute format('lock table %s in access exclusive mode', contended);
                end if;
            end loop;
            {{ _refuse_other_build() }}  -- now that nobody can change the tables any more
            {{ _refuse_tables_without_successor() }}
            {{ _collect_grants() }}

            create schema marts_replaced;
            foreach place in array old_marts loop
                execute format('alter table %s set schema marts_replaced', place);
            end loop;
            foreach place in array new_marts loop
                execute format('alter table %s set schema marts', place);
            end loop;
            {{ _carry_over_grants_and_views() }}
            {{ _drop_replaced_marts() }}
            {{ _record_publications(domains) }}
            {{ _carry_over_mark() }}
            -- what was held back, and the notes; not `cascade`: anything else is someone's work
            execute (
                select 'drop table ' || string_agg(oid::regclass::text, ', ') from pg_catalog.pg_class
                where relnamespace = 'marts_next'::regnamespace and relkind = 'r'
            );
            drop schema marts_next;
            exit;
        exception when lock_not_available then
            {{ _give_up_in_time() }}
        end;
        perform pg_sleep(0.1);  -- who waited for the swap goes first
    end loop;
end
$swap$;
commit;
{% endmacro %}

{% macro _quote_all(names) -%}
    '{{ names | join("', '") }}'
{%- endmacro %}

{# Which domain each published mart belongs to, and which build of the domain readers see. #}
{% macro _prepare_publications() %}
    create schema if not exists operations;
    create table if not exists operations.published_marts (table_name text primary key, domain text not null);
    create table if not exists operations.publications (
        domain text primary key, build_id text, invocation_id text not null
    );
{% endmacro %}

{% macro _record_publications(domains) %}
            delete from operations.published_marts
            where domain in ({{ _quote_all(domains + ['shared']) }})
            or table_name in (select table_name from marts_next.build_notes);
            insert into operations.published_marts (table_name, domain)
            select distinct table_name, domain from marts_next.build_notes
            where schema_name = 'marts_next' and domain in ({{ _quote_all(domains + ['shared']) }});
            delete from operations.publications where domain in ({{ _quote_all(domains) }});
            {%- for domain in domains %}
            insert into operations.publications (domain, build_id, invocation_id)
            values ('{{ domain }}', {{ _read_build_id(domain) }}, '{{ invocation_id }}');
            {%- endfor %}
{% endmacro %}

{# Of a handoff by an earlier version nothing is recorded. #}
{% macro _read_build_id(domain) -%}
    (select min(handoff.build_id) from operations.handoffs as handoff where handoff.domain = '{{ domain }}')
{%- endmacro %}

{# The names of marts that this publication leaves alone: those of other domains, whether enabled or not. #}
{% macro _select_staying_names(domains) -%}
    {%- set names = [] -%}
    {%- for domain in list_domains() if domain not in domains -%}
        {%- do names.extend(list_marts(domain) | map(attribute='name')) -%}
    {%- endfor -%}
    select table_name from operations.published_marts
    where domain not in ({{ _quote_all(domains + ['shared']) }})
    {%- for name in names %}
    union all select '{{ name }}'
    {%- endfor -%}
{%- endmacro %}

{% macro has_staying_marts(domains) -%}
    {%- if run_query("select to_regclass('operations.published_marts')")[0][0] is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query(
        "select exists (
            select from pg_tables
            where schemaname = 'marts' and tablename in (" ~ _select_staying_names(domains) ~ ")
        )"
    )[0][0]) }}
{%- endmacro %}

{# Shared marts that marts of other domains refer to. #}
{% macro _find_kept_marts(domains) -%}
    array(
        select distinct key.confrelid::regclass
        from pg_catalog.pg_constraint as key
        join pg_catalog.pg_class as staying on staying.oid = key.conrelid
        join pg_catalog.pg_class as shared on shared.oid = key.confrelid
        where key.contype = 'f'
        and shared.relnamespace = 'marts'::regnamespace
        and shared.relname in (
            select table_name from marts_next.build_notes where schema_name = 'marts_next' and domain = 'shared'
        )
        and staying.relnamespace = 'marts'::regnamespace
        and staying.relname in ({{ _select_staying_names(domains) }})
    )
{%- endmacro %}

{#
    Where other domains' marts stay and refer to a shared mart, that one stays as well and takes the rows that it lacks:
    replacing it would mean to lock and check tables of domains that have nothing to do with this publication. A day of
    dim_dates says the same to every domain. The rows come in a transaction before the swap, so that no reader's
    snapshot lies between them and the marts that need them.
#}
{% macro grow_shared_marts(domains) %}
begin;
do $grow$
declare
    kept regclass;
    row_count bigint;
    has_grown boolean := false;
begin
    perform set_config('search_path', '', true);
    {{ lock_next_marts() }}
    create schema if not exists marts;
    {{ _prepare_publications() }}
    if to_regclass('marts_next.build_notes') is not null then
        foreach kept in array {{ _find_kept_marts(domains) }} loop
            begin
                execute format(
                    'insert into %1$s select * from %2$s except select * from %1$s',
                    kept, replace(kept::text, 'marts.', 'marts_next.')
                );
                get diagnostics row_count = row_count;
                has_grown := has_grown or row_count > 0;
            exception when others then
                raise exception 'Not published: % is not the same any more (%), and marts of other domains refer to the'
                    ' previous one. Publish all domains together: `dbt build --target postgres`.', kept, sqlerrm;
            end;
        end loop;
        if has_grown then
            -- its xmin: snapshots from before these rows are waited for
            insert into marts_next.build_notes (schema_name, invocation_id) values ('', '{{ invocation_id }}');
        end if;
    end if;
end
$grow$;
commit;
{% endmacro %}

{# The new marts refer to the shared marts that stay, not to their copies in `marts_next`. #}
{% macro _refer_to_kept_marts(domains) %}
    for statement in
        select format('alter table %s drop constraint %I, add constraint %I %s',
            key.conrelid::regclass, key.conname, key.conname,
            replace(pg_get_constraintdef(key.oid), key.confrelid::regclass::text, kept.place::text))
        from pg_catalog.pg_constraint as key
        join unnest(kept_marts) as kept (place)
            on key.confrelid = to_regclass(replace(kept.place::text, 'marts.', 'marts_next.'))
        where key.contype = 'f' and key.conrelid in (
            select table_oid from marts_next.build_notes
            where schema_name = 'marts_next' and domain in ({{ _quote_all(domains) }})
        )
    loop
        execute statement;
    end loop;
{% endmacro %}

{# The role that the marts are read with. A given server may not let us make one: report_publication says so. #}
{% macro _prepare_reader_role() %}
do $reader$
begin
    if to_regrole('headwater_reader') is null then
        create role headwater_reader login;
        alter role headwater_reader set default_transaction_read_only = on;
        alter role headwater_reader set search_path = marts;
        -- a reader that is left open in a transaction would hold up every publication
        alter role headwater_reader set idle_in_transaction_session_timeout = '5min';
    end if;
exception when insufficient_privilege or duplicate_object or unique_violation then
    null;  -- another database of this server may publish at the same moment
end
$reader$;
{% endmacro %}

{# Published is what this run built, all of it, from one handoff: see _start_build_notes. #}
{% macro _refuse_other_build() %}
    if to_regclass('marts_next.build_notes') is null then
        raise exception 'Not published: another run began to build marts at the same time. Readers still see the'
            ' previous marts. Run `dbt build --target postgres` again, one at a time.';
    end if;
    select string_agg(relname, ', ' order by relname) into detail from pg_catalog.pg_class
    where relnamespace = 'marts_next'::regnamespace and relkind = 'r' and relname <> 'build_notes'
    and not exists (select from marts_next.build_notes where schema_name = 'marts_next');
    if detail is not null then
        raise exception 'Not published: no mart was noted when it was built (%). The marts in dbt_project.yml need the'
            ' post-hook note_built_mart(). Postgres still serves the previous marts.', detail;
    end if;
    select string_agg(distinct schema_name, ' ') into detail
    from (
        select relnamespace::regnamespace::text::name as schema_name, relname as table_name, oid as table_oid
        from pg_catalog.pg_class
        where relnamespace in (to_regnamespace('transform'), 'marts_next'::regnamespace)
        and relkind = 'r' and relname <> 'build_notes'
    ) as there
    full join (
        select * from marts_next.build_notes where invocation_id = '{{ invocation_id }}' and schema_name <> ''
    ) as noted using (schema_name, table_name, table_oid)
    where there is null or noted is null;
    if detail like '%marts_next%' then
        raise exception 'Not published: another run built marts at the same time. Readers still see the previous marts.'
            ' Run `dbt build --target postgres` again, one at a time.';
    elsif detail is not null then
        raise exception 'Not published: a handoff came while the marts were built, and they may be of two versions.'
            ' Readers still see the previous marts. Run `dbt build --target postgres` again.';
    end if;
{% endmacro %}

{#
    Sessions of this database whose snapshot may be older than the newest of the new rows. What began after this
    statement sees them all, even where another session's long transaction makes its snapshot look old. The columns
    about other roles' sessions are empty for a user who may not see them; such a session counts.
#}
{% macro _is_old_snapshot() -%}
    session.datname = current_database() and session.pid <> pg_backend_pid() and session.usesysid is not null
    and coalesce(session.backend_type, 'client backend') = 'client backend'
    and coalesce(session.xact_start, begun_at) <= begun_at
    and age(session.backend_xmin) >= (
        select min(age(note.xmin)) from marts_next.build_notes as note where note.invocation_id = '{{ invocation_id }}'
    )
{%- endmacro %}

{% macro _wait_for_old_snapshots() %}
            perform pg_stat_clear_snapshot();  -- else a transaction sees the sessions of its first look
            if exists (select from pg_catalog.pg_stat_activity as session where {{ _is_old_snapshot() }}) then
                raise lock_not_available;
            end if;
{% endmacro %}

{% macro _give_up_in_time() %}
            if clock_timestamp() >= begun_at + {{ read_lock_wait_seconds() }} * interval '1 second' then
                perform pg_stat_clear_snapshot();
                select string_agg(format(
                    'process %s (%s, %s since %s)', session.pid, coalesce(session.usename, session.backend_type),
                    coalesce(session.state, 'at work'), coalesce(
                        to_char(coalesce(session.state_change, session.xact_start), 'YYYY-MM-DD HH24:MI:SS TZ'),
                        'a time that is not visible to this user'
                    )
                ), ', ' order by session.xact_start) into holders
                from pg_catalog.pg_stat_activity as session
                where session.pid <> pg_backend_pid() and session.pid in (
                    select held.pid from pg_catalog.pg_locks as held
                    join pg_catalog.pg_database as here on here.oid = held.database
                    where here.datname = current_database() and held.granted and (
                        held.relation = any(new_marts || old_marts) or held.objid = 'marts_next'::regnamespace
                    )
                ) or {{ _is_old_snapshot() }};
                raise exception 'Not published: % held the previous marts for {{ read_lock_wait_seconds() }} seconds.'
                    ' Readers still see them. End it or wait for it, then `dbt build --target postgres`.',
                    coalesce(holders, 'sessions that came and went');
            end if;
{% endmacro %}

{# As for the DuckDB file: how long to wait for a session that holds what is needed. #}
{% macro read_lock_wait_seconds() -%}
    {{ return(env_var('HEADWATER_LOCK_WAIT_SECONDS') | float) }}
{%- endmacro %}

{# For Postgres, to which 0 would mean: without end. #}
{% macro lock_timeout_milliseconds() -%}
    {{ return([(read_lock_wait_seconds() * 1000) | int, 1] | max) }}
{%- endmacro %}

{# A mart that the project no longer has, or someone else's table: neither is dropped without being asked. #}
{% macro _refuse_tables_without_successor() %}
            select string_agg(old_mart::text, ', ') into detail from unnest(old_marts) as old_mart
            where to_regclass(replace(old_mart::text, 'marts.', 'marts_next.')) is null;
            if detail is not null then
                raise exception 'Not published: % would be lost, for this project has no such mart. Drop it, or move it'
                    ' to another schema, then `dbt build --target postgres`.', detail;
            end if;
{% endmacro %}

{#
    As statements, written while the names still mean the old marts: the grants on them and on their columns; a new
    mart is granted to whoever may read all the old ones.
#}
{% macro _collect_grants() %}
            -- of a new domain there are no old marts yet
            readable := case when cardinality(old_marts) > 0 then old_marts else array(
                select oid from pg_catalog.pg_class where relnamespace = 'marts'::regnamespace and relkind = 'r'
            ) end;
            with mart as (
                select old_mart.oid, old_mart.relowner, old_mart.relacl,
                    new_mart.oid as new_oid, new_mart.relname as new_name
                from pg_catalog.pg_class as new_mart
                left join pg_catalog.pg_class as old_mart
                    on old_mart.relname = new_mart.relname and old_mart.oid = any(old_marts)
                where new_mart.oid = any(new_marts)
            ),
            granting as (
                select mart.new_name, acl.privilege_type as granted, acl.grantee, acl.is_grantable
                from mart, aclexplode(mart.relacl) as acl
                where acl.grantee <> mart.relowner
                union all
                select mart.new_name, format('%s (%I)', acl.privilege_type, old_column.attname), acl.grantee,
                    acl.is_grantable
                from mart
                join pg_catalog.pg_attribute as old_column on old_column.attrelid = mart.oid
                join pg_catalog.pg_attribute as new_column
                    on new_column.attrelid = mart.new_oid and new_column.attname = old_column.attname,
                    aclexplode(old_column.attacl) as acl
                union all
                select mart.new_name, 'select', reader.grantee, false
                from mart, (
                    select acl.grantee
                    from pg_catalog.pg_class as published, aclexplode(published.relacl) as acl
                    where published.oid = any(readable)
                    and acl.privilege_type = 'SELECT' and acl.grantee <> published.relowner
                    group by acl.grantee having count(distinct published.oid) = cardinality(readable)
                ) as reader
                where mart.oid is null
            )
            select coalesce(array_agg(format(
                'grant %s on table marts.%I to %s%s', granted, new_name,
                case when grantee = 0 then 'public' else grantee::regrole::text end,
                case when is_grantable then ' with grant option' end
            )), '{}') into grants from granting;
{% endmacro %}

{# The views, in whatever schema, that read the marts themselves, and how to make each again from what it reads. #}
{% macro _find_views() %}
            select coalesce(array_agg(view.oid), '{}'), coalesce(array_agg(format(
                'create or replace view %s %s as %s', view.oid::regclass,
                'with (' || array_to_string(view.reloptions, ', ') || ')', pg_get_viewdef(view.oid)
            )), '{}') into views, definitions
            from pg_catalog.pg_class as view
            where view.relkind = 'v' and exists (
                select from pg_catalog.pg_rewrite as rule
                join pg_catalog.pg_depend as link
                    on link.objid = rule.oid and link.classid = 'pg_catalog.pg_rewrite'::regclass
                where rule.ev_class = view.oid and link.refobjid = any(old_marts)
                    and link.refclassid = 'pg_catalog.pg_class'::regclass
            );
{% endmacro %}

{#
    Makes a view again. `create or replace` keeps its grants and what reads it. It fails where a column is gone or of
    another type, or where the view is not ours to change.
#}
{% macro _define_view(view) %}
                begin
                    execute definitions[array_position(views, {{ view }})];
                exception
                    when lock_not_available then
                        raise;
                    when others then
                        raise exception 'Not published: the view % reads the marts, and cannot be made to read the new'
                            ' ones: %. Change or drop it, then `dbt build --target postgres`.', {{ view }}, sqlerrm;
                end;
{% endmacro %}

{% macro _carry_over_grants_and_views() %}
            foreach statement in array grants loop
                execute statement;
            end loop;
            if to_regrole('headwater_reader') is not null then
                revoke all on schema transform from headwater_reader;
                grant usage on schema marts to headwater_reader;
                foreach place in array new_marts loop
                    execute format('grant select on table %s to headwater_reader', place);
                end loop;
            end if;
            foreach place in array views loop
                {{ _define_view('place') }}
            end loop;
{% endmacro %}

{# How `transform` was handed off (privacy.sql), for the readers of the marts and for `headwater status`. #}
{% macro _carry_over_mark() %}
            if obj_description(to_regnamespace('transform'), 'pg_namespace') = '{{ pseudonymous_mark() }}'
                -- else some marts still show names
                and not exists (
                    select from pg_catalog.pg_class
                    where relnamespace = 'marts'::regnamespace and relkind = 'r' and oid <> all(new_marts)
                ) then
                comment on schema marts is '{{ pseudonymous_mark() }}';
            elsif obj_description('marts'::regnamespace, 'pg_namespace') = '{{ pseudonymous_mark() }}' then
                comment on schema marts is null;
            end if;
{% endmacro %}

{# Nobody reads them now. Not `cascade`: other objects that depend on them are someone's work. #}
{% macro _drop_replaced_marts() %}
            begin
                if cardinality(old_marts) > 0 then
                    execute (select 'drop table ' || string_agg(old_mart::text, ', ') from unnest(old_marts) as old_mart);
                end if;
                drop schema marts_replaced;
            exception when dependent_objects_still_exist then
                get stacked diagnostics detail = pg_exception_detail;
                raise exception 'Not published: what hangs on the marts would be lost with them: %. Drop it, or let it'
                    ' read the marts in another way, then `dbt build --target postgres`.',
                    replace(replace(detail, 'marts_replaced.', 'marts.'), chr(10), '; ');
            end;
{% endmacro %}
