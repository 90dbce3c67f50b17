{{ config(indexes=[
    {'columns': ['author_id']},
    {'columns': ['publication_year']},
    {'columns': ['doi'], 'type': 'hash'},
    {'columns': ['primary_topic_id']},
    {'columns': ['publication_date']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    papers.paper_id,
    papers.author_id,
    works.primary_topic_id,

    -- text
    works.doi,
    works.title,
    works.work_type,
    works.language,
    coalesce(works.abstract, enriched.abstract) as abstract,
    case
        when works.abstract is not null then 'openalex'
        when enriched.abstract is not null then 'semantic_scholar'
    end as abstract_source,
    authorships.author_position,
    papers.coauthor_names,
    ranked.citation_category,
    works.oa_status,
    works.oa_url,
    works.fulltext_origin,
    works.landing_page_url,
    works.pdf_url,
    works.license,
    works.journal_name,
    works.source_type,
    works.volume,
    works.issue,
    works.first_page,
    works.last_page,
    enriched.fields_of_study,
    enriched.s2_fields_of_study,
    enriched.tldr,

    -- numerics
    works.publication_year,
    works.cited_by_count,
    works.fwci,
    works.openalex_citation_percentile,
    ranked.citation_percentile,
    works.authorship_count,
    papers.coauthor_count,
    works.countries_distinct_count,
    works.institutions_distinct_count,
    works.locations_count,
    works.referenced_works_count,
    works.topic_score,
    enriched.influential_citation_count,

    -- booleans
    authorships.is_corresponding,
    papers.is_written_as_member,
    works.is_open_access,
    works.has_fulltext,
    works.is_retracted,
    works.is_large_collaboration,
    works.is_future_dated,
    works.is_authors_truncated,

    -- dates and timestamps
    works.publication_date,
    works.created_date,
    works.updated_at,

    -- where the record came from
    works.load_id,
    works.record_hash
from {{ ref('int_papers_deduplicated') }} as papers
inner join {{ ref('int_works') }} as works on papers.paper_id = works.work_id
inner join {{ ref('int_papers_ranked') }} as ranked on papers.paper_id = ranked.paper_id
inner join {{ ref('int_authorships') }} as authorships
    on
        papers.paper_id = authorships.work_id
        and papers.author_id = authorships.author_id
left join {{ ref('int_papers_enriched') }} as enriched on papers.paper_id = enriched.paper_id
