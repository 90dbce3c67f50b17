{{ config(materialized='table') }}

-- A document is parsed here, once; the staging models below take their columns from the struct.
with source as (
    select * from {{ source('openalex', 'works') }}
),

parsed as (
    select
        id as work_id,
        updated_at,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "doi": "VARCHAR",
            "title": "VARCHAR",
            "type": "VARCHAR",
            "language": "VARCHAR",
            "publication_year": "INTEGER",
            "publication_date": "DATE",
            "created_date": "TIMESTAMPTZ",
            "authorships": [{
                "author_position": "VARCHAR",
                "author": {"id": "VARCHAR", "display_name": "VARCHAR", "orcid": "VARCHAR"},
                "institutions": [{
                    "id": "VARCHAR",
                    "display_name": "VARCHAR",
                    "ror": "VARCHAR",
                    "country_code": "VARCHAR",
                    "type": "VARCHAR"
                }],
                "is_corresponding": "BOOLEAN"
            }],
            "cited_by_count": "BIGINT",
            "fwci": "DOUBLE",
            "citation_normalized_percentile": {"value": "DOUBLE"},
            "countries_distinct_count": "INTEGER",
            "institutions_distinct_count": "INTEGER",
            "locations_count": "INTEGER",
            "referenced_works_count": "INTEGER",
            "open_access": {"is_oa": "BOOLEAN", "oa_status": "VARCHAR", "oa_url": "VARCHAR"},
            "has_fulltext": "BOOLEAN",
            "fulltext_origin": "VARCHAR",
            "is_retracted": "BOOLEAN",
            "is_authors_truncated": "BOOLEAN",
            "primary_location": {
                "landing_page_url": "VARCHAR",
                "pdf_url": "VARCHAR",
                "license": "VARCHAR",
                "source": {"display_name": "VARCHAR", "type": "VARCHAR"}
            },
            "biblio": {
                "volume": "VARCHAR",
                "issue": "VARCHAR",
                "first_page": "VARCHAR",
                "last_page": "VARCHAR"
            },
            "primary_topic": {
                "id": "VARCHAR",
                "display_name": "VARCHAR",
                "score": "DOUBLE",
                "subfield": {"id": "VARCHAR", "display_name": "VARCHAR"},
                "field": {"id": "VARCHAR", "display_name": "VARCHAR"},
                "domain": {"id": "VARCHAR", "display_name": "VARCHAR"}
            },
            "topics": [{
                "id": "VARCHAR",
                "display_name": "VARCHAR",
                "score": "DOUBLE",
                "subfield": {"id": "VARCHAR", "display_name": "VARCHAR"},
                "field": {"id": "VARCHAR", "display_name": "VARCHAR"},
                "domain": {"id": "VARCHAR", "display_name": "VARCHAR"}
            }],
            "counts_by_year": [{"year": "INTEGER", "cited_by_count": "BIGINT"}],
            "abstract_inverted_index": "MAP(VARCHAR, INTEGER[])"
        }') as work
    from source
)

select * from parsed
