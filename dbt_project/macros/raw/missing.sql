{#
    Before a build or a test: every raw table that a selected node reads exists. The tables of an optional source
    (`meta: {is_optional: true}`) are created empty, and dlt takes them over when it loads. A required source must have
    been loaded: without it nothing of its domain can be built; the other domains are built.
#}
{% macro ensure_raw_tables() -%}
    {%- set existing = run_query(
        "select schema_name || '.' || table_name from duckdb_tables() where database_name = current_database()"
    ).columns[0].values() | list -%}
    {%- set ns = namespace(read=[], documents=[], domains=[]) -%}
    {%- for node in graph.nodes.values() -%}
        {%- set sources = node.depends_on.nodes | default([]) | select('in', graph.sources) | list -%}
        {%- if node.unique_id in selected_resources -%}
            {%- set ns.read = ns.read + sources -%}
            {%- set ns.domains = ns.domains + [find_domain(node)] -%}
        {%- endif -%}
        {%- if node.test_metadata and node.test_metadata.name == 'expect_sound_documents' -%}
            {%- set ns.documents = ns.documents + sources -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set to_make = {} -%}
    {%- set missing = {} -%}
    {%- for unique_id in ns.read | unique -%}
        {%- set source = graph.sources[unique_id] -%}
        {%- for name, columns in _list_needed_tables(source, unique_id in ns.documents).items()
            if name not in existing -%}
            {%- if source.config.meta.is_optional -%}
                {%- do to_make.update({name: columns}) -%}
            {%- else -%}
                {%- do missing.update({source.fqn[2]: _describe_missing(source, name, existing)}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if missing and not ns.domains | unique | reject('in', missing) | reject('equalto', 'shared') | list -%}
        {{ exceptions.raise_compiler_error('Nothing was built: ' ~ missing.values() | join(' ')) }}
    {%- endif -%}
    {%- for domain, reason in missing.items() -%}
        {%- do log(domain ~ ' cannot be built: ' ~ reason, info=true) -%}
    {%- endfor -%}
    {%- for name, columns in to_make.items() -%}
        {%- do run_query('create schema if not exists ' ~ name.split('.')[0]) -%}
        {%- do run_query('create table ' ~ name ~ ' (' ~ columns | join(', ') ~ ')') -%}
    {%- endfor -%}
    {%- if to_make -%}
        {%- do log('Optional and not loaded, so made empty: ' ~ to_make | join(', '), info=true) -%}
    {%- endif -%}
{%- endmacro %}

{# Each table, with its schema, and its columns as `create table` takes them. Documents come with their bookkeeping. #}
{% macro _list_needed_tables(source, has_documents) -%}
    {%- set shapes = {} -%}
    {%- if has_documents -%}
        {%- do shapes.update({source.identifier: document_columns()}) -%}
        {%- do shapes.update(bookkeeping_columns()) -%}
    {%- else -%}
        {%- set declared = {} -%}
        {%- for column in source.columns.values() -%}
            {%- do declared.update({column.name: column.data_type}) -%}
        {%- endfor -%}
        {%- do shapes.update({source.identifier: declared}) -%}
    {%- endif -%}
    {%- set tables = {} -%}
    {%- for table, types in shapes.items() -%}
        {%- set columns = [] -%}
        {%- for name, type in types.items() -%}
            {%- do columns.append(name ~ ' ' ~ type) -%}
        {%- endfor -%}
        {%- do tables.update({source.schema ~ '.' ~ table: columns}) -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

{% macro _describe_missing(source, name, existing) -%}
    {%- set command = '`dlt pipeline ' ~ source.source_name ~ ' run`' -%}
    {%- if source.schema ~ '._dlt_loads' in existing -%}
        {{ return(source.source_name ~ ' was loaded, but without ' ~ name ~ '. Run ' ~ command ~ ' again.') }}
    {%- endif -%}
    {{ return(source.source_name ~ ' is not loaded yet. Run ' ~ command ~ ' first.') }}
{%- endmacro %}
