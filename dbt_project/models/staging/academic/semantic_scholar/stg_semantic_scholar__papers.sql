{{ config(materialized='table') }}

with source as (
    select * from {{ source('semantic_scholar', 'papers') }}
),

parsed as (
    select
        id as semantic_scholar_paper_id,
        _dlt_load_id as load_id,
        record_hash,
        from_json(document, '{
            "title": "VARCHAR",
            "abstract": "VARCHAR",
            "fieldsOfStudy": ["VARCHAR"],
            "s2FieldsOfStudy": [{"category": "VARCHAR", "source": "VARCHAR"}],
            "tldr": {"text": "VARCHAR"},
            "citationCount": "BIGINT",
            "influentialCitationCount": "BIGINT"
        }') as paper
    from source
),

renamed as (
    select
        -- ids
        semantic_scholar_paper_id,

        -- text
        paper.title as title,
        nullif(trim(paper.abstract), '') as abstract,
        nullif({{ join_names('paper.fieldsOfStudy') }}, '') as fields_of_study,
        nullif(
            {{ join_names('list_transform(paper.s2FieldsOfStudy, lambda field: field.category)') }}, ''
        ) as s2_fields_of_study,
        nullif(trim(paper.tldr.text), '') as tldr,

        -- numerics
        paper.citationcount as citation_count,
        paper.influentialcitationcount as influential_citation_count,

        -- where the record came from
        load_id,
        record_hash
    from parsed
)

select * from renamed
