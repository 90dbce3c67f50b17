{#
    The mode of publication (loader/publish/privacy.py): `public`, or `pseudonymous`, in which the handoff copies the tables of
    schema `pseudonymous` in place of those of `transform`.
#}
{% macro smallest_group() -%}
    {{ return(env_var('HEADWATER_SMALLEST_GROUP') | int) }}
{%- endmacro %}

{# A mean over the window `cell`, which has enough people. Null if any value is missing: the others may be too few. #}
{% macro mean_of_cell(column) -%}
    case when count({{ column }}) over cell = count(*) over cell then avg({{ column }}) over cell end
{%- endmacro %}

{# A rounded mean over a group of people; null if there are too few values. #}
{% macro mean_of_people(column) -%}
    case when count({{ column }}) >= {{ smallest_group() }} then round(avg({{ column }})) end
{%- endmacro %}

{% macro is_pseudonymous() -%}
    {{ return(env_var('HEADWATER_PRIVACY', '') == 'pseudonymous') }}
{%- endmacro %}

{% macro refuse_unknown_privacy() -%}
    {%- set privacy = env_var('HEADWATER_PRIVACY', '') -%}
    {%- if privacy not in ['public', 'pseudonymous'] -%}
        {{ exceptions.raise_compiler_error(
            "publication.privacy is '" ~ privacy ~ "'; it must be 'public' or 'pseudonymous'. Nothing was published."
        ) }}
    {%- endif -%}
{%- endmacro %}

{#
    The models that are copied to Postgres, by name: the models themselves, or in the pseudonymous mode the counterpart
    of each (pseudonymous_works for int_works), with the same columns. A model that holds nothing personal says so
    (`config: {meta: {is_personal: false}}`) and is copied as it is. Without either, nothing is handed off.
#}
{% macro find_copies(models) -%}
    {%- set copies = {} -%}
    {%- for model in models -%}
        {%- set is_replaced = is_pseudonymous() and model.config.meta.get('is_personal', true) -%}
        {%- do copies.update({model.name: _find_counterpart(model) if is_replaced else model}) -%}
    {%- endfor -%}
    {{ return(copies) }}
{%- endmacro %}

{# A build with a different key or threshold must not be published under these settings. #}
{% macro refuse_other_settings(domains) -%}
    {%- set built = run_query(
        "select domain from operations.domain_builds where privacy_fingerprint = privacy_fingerprint()"
    ).columns[0].values() -%}
    {%- for domain in domains if is_pseudonymous() and domain not in built -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: the pseudonyms of " ~ domain ~ " were not all built, or built with another"
            ~ " privacy_key or smallest_group. Run `dbt build` first."
        ) }}
    {%- endfor -%}
{%- endmacro %}

{% macro _find_counterpart(model) -%}
    {%- set name = 'pseudonymous_' ~ model.name | replace('int_', '', 1) -%}
    {%- set counterpart = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('name', 'equalto', name) | first -%}
    {%- if not counterpart -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: publication.privacy is 'pseudonymous', and there is no model " ~ name
            ~ " to stand for " ~ model.name ~ ". Write one in models/pseudonymous, or set meta.is_personal to false where the"
            ~ " model holds nothing personal."
        ) }}
    {%- endif -%}
    {%- if _list_columns(model) != _list_columns(counterpart) -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: " ~ name ~ " has other columns or types than " ~ model.name
            ~ ", which it stands for. Run `dbt build`; if that does not help, fix the model."
        ) }}
    {%- endif -%}
    {{ return(counterpart) }}
{%- endmacro %}

{% macro _list_columns(model) -%}
    {{ return(run_query(
        "select list([column_name, data_type] order by column_index)::varchar from duckdb_columns()
        where database_name = current_database() and schema_name = '" ~ model.schema ~ "'
        and table_name = '" ~ model.alias ~ "'"
    )[0][0]) }}
{%- endmacro %}

{#
    Postgres keeps the mode of publication in a comment on `transform` and, after the swap, on `marts`. Otherwise a
    forgotten setting would replace pseudonyms by names.
#}
{% macro pseudonymous_mark() -%}
    {{ return("Published pseudonymously by Headwater: rows stand for groups of people, see docs/privacy.md.") }}
{%- endmacro %}

{% macro mark_transform() -%}
    {{ return("call postgres_execute('postgres_server', 'comment on schema transform is ''"
        ~ pseudonymous_mark() ~ "''')") }}
{%- endmacro %}

{% macro is_transform_pseudonymous() -%}
    {{ return(run_query(
        "select * from postgres_query('postgres_server',
        'select obj_description(to_regnamespace(''transform''), ''pg_namespace'') as mark')"
    )[0]['mark'] == pseudonymous_mark()) }}
{%- endmacro %}

{% macro refuse_public_after_pseudonymous() -%}
    {%- set found = run_query(
        "select * from postgres_query('postgres_server',
        'select obj_description(to_regnamespace(''transform''), ''pg_namespace'') as transform_mark,
            obj_description(to_regnamespace(''marts''), ''pg_namespace'') as marts_mark,
            exists (select from pg_tables where schemaname in (''marts'', ''marts_next'')) as has_marts')"
    )[0] -%}
    {%- if is_pseudonymous() and found['has_marts'] and found['marts_mark'] != pseudonymous_mark() -%}
        {%- do log("Postgres holds marts with names until `dbt build --target postgres` has replaced them.", info=true) -%}
    {%- elif not is_pseudonymous() and pseudonymous_mark() in [found['transform_mark'], found['marts_mark']] -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was handed off: this Postgres was published pseudonymously, and publication.privacy is 'public'"
            ~ " now. To publish names and records there on purpose, drop its schemas transform and marts first; or"
            ~ " name another PGDATABASE."
        ) }}
    {%- endif -%}
{%- endmacro %}

{# On Postgres, before marts are built from what was handed off: it must be of this mode. #}
{% macro refuse_other_privacy() -%}
    {%- do refuse_unknown_privacy() -%}
    {%- set mark = run_query("select obj_description(to_regnamespace('transform'), 'pg_namespace')")[0][0] -%}
    {%- if (mark == pseudonymous_mark()) != is_pseudonymous() -%}
        {{ exceptions.raise_compiler_error(
            "Nothing was built: publication.privacy is '" ~ env_var('HEADWATER_PRIVACY', '') ~ "', and what was handed"
            ~ " off to Postgres is not. Run `dbt run-operation handoff` first."
        ) }}
    {%- endif -%}
{%- endmacro %}
