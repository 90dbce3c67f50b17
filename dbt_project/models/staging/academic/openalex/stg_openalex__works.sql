with source as (
    select * from {{ ref('base_openalex__works') }}
),

renamed as (
    select
        -- ids
        work_id,
        work.primary_topic.id as primary_topic_id,

        -- text
        work.doi as doi,
        work.title as title,
        work.type as work_type,
        work.language as language,
        nullif({{ rebuild_abstract('work.abstract_inverted_index') }}, '') as abstract,
        work.open_access.oa_status as oa_status,
        work.open_access.oa_url as oa_url,
        work.fulltext_origin as fulltext_origin,
        work.primary_location.landing_page_url as landing_page_url,
        work.primary_location.pdf_url as pdf_url,
        work.primary_location.license as license,
        work.primary_location.source.display_name as journal_name,
        work.primary_location.source.type as source_type,
        work.biblio.volume as volume,
        work.biblio.issue as issue,
        work.biblio.first_page as first_page,
        work.biblio.last_page as last_page,

        -- numerics
        work.publication_year as publication_year,
        coalesce(work.cited_by_count, 0) as cited_by_count,
        work.fwci as fwci,
        100 * work.citation_normalized_percentile.value as openalex_citation_percentile,
        work.countries_distinct_count as countries_distinct_count,
        work.institutions_distinct_count as institutions_distinct_count,
        work.locations_count as locations_count,
        work.referenced_works_count as referenced_works_count,
        work.primary_topic.score as topic_score,

        -- booleans
        work.open_access.is_oa as is_open_access,
        work.has_fulltext as has_fulltext,
        work.is_retracted as is_retracted,
        coalesce(work.is_authors_truncated, false) as is_authors_truncated,

        -- dates and timestamps
        work.publication_date as publication_date,
        cast(work.created_date at time zone 'UTC' as date) as created_date,
        updated_at,

        -- where the record came from
        load_id,
        record_hash
    from source
)

select * from renamed
