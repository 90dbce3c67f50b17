{#
    The columns that dlt writes, by table: of a table of documents, and of the bookkeeping tables that every raw schema
    of documents has. models/staging/raw.md describes them.
#}
{% macro document_columns() -%}
    {{ return({
        'id': 'varchar not null',
        'updated_at': 'timestamptz',
        'record_hash': 'varchar not null',
        'document': 'json not null',
        '_dlt_load_id': 'varchar not null',
    }) }}
{%- endmacro %}

{% macro bookkeeping_columns() -%}
    {{ return({
        'load_counts': {
            '_dlt_load_id': 'varchar not null',
            'resource': 'varchar not null',
            'extracted_count': 'bigint not null',
            'new_count': 'bigint not null',
            'changed_count': 'bigint not null',
            'unchanged_count': 'bigint not null',
            'repeated_count': 'bigint not null',
            'rejected_count': 'bigint not null',
        },
        'rejected_records': {
            'id': 'varchar not null',
            'resource': 'varchar not null',
            'record_id': 'varchar',
            'reason': 'varchar not null',
            'record_hash': 'varchar not null',
            'record': 'varchar not null',
            '_dlt_load_id': 'varchar not null',
        },
        'replays': {
            'reject_id': 'varchar not null',
            'resource': 'varchar not null',
            'record_id': 'varchar not null',
            'outcome': 'varchar not null',
            'replayed_at': 'timestamptz not null',
            '_dlt_load_id': 'varchar not null',
        },
        'field_inventory': {
            'resource': 'varchar not null',
            'path': 'varchar not null',
            'types': 'varchar not null',
            'first_seen_at': 'timestamptz not null',
            'first_load_id': 'varchar not null',
            'last_seen_at': 'timestamptz not null',
            'last_load_id': 'varchar not null',
            'record_count': 'bigint not null',
            'examined_count': 'bigint not null',
            'record_share': 'double not null',
            '_dlt_load_id': 'varchar not null',
        },
    }) }}
{%- endmacro %}
