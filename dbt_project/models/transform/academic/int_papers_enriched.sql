-- What Semantic Scholar knows of a paper, found by its DOI. Empty where that source is not used.
with works as (
    select
        work_id,
        {{ name_doi('doi') }} as doi_name
    from {{ ref('int_works') }}
    where exclusion_reason is null
),

lookups as (
    select * from {{ ref('stg_semantic_scholar__lookups') }}
    where lookup_status = 'found'
),

papers as (
    select * from {{ ref('stg_semantic_scholar__papers') }}
)

select
    works.work_id as paper_id,
    papers.semantic_scholar_paper_id,
    papers.fields_of_study,
    papers.s2_fields_of_study,
    papers.abstract,
    papers.tldr,
    papers.influential_citation_count
from works
inner join lookups on works.doi_name = lookups.doi_name
inner join papers on lookups.semantic_scholar_paper_id = papers.semantic_scholar_paper_id
