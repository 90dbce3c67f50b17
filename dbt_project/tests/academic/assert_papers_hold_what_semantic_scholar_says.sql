-- Decision: a paper has what Semantic Scholar answers to its DOI, once per roster author.
with answers as (
    select
        'https://doi.org/' || lookups.id as doi,
        cast(papers.document ->> '$.influentialCitationCount' as bigint) as influential_citation_count,
        papers.document ->> '$.tldr.text' is not null as has_tldr,
        trim(papers.document ->> '$.abstract') != '' as has_abstract
    from {{ source('semantic_scholar', 'lookups') }} as lookups
    inner join {{ source('semantic_scholar', 'papers') }} as papers
        on lookups.document ->> '$.paper_id' = papers.id
),

kept as (
    select
        papers.paper_id,
        papers.author_id,
        papers.influential_citation_count,
        papers.tldr is not null as has_tldr,
        papers.abstract_source,
        works.abstract is not null as is_abstract_known,
        lower(works.doi) as doi
    from {{ ref('fct_papers') }} as papers
    inner join {{ ref('stg_openalex__works') }} as works on papers.paper_id = works.work_id
),

expected as (
    select
        kept.paper_id,
        kept.author_id,
        answers.influential_citation_count,
        coalesce(answers.has_tldr, false) as has_tldr,
        case
            when kept.is_abstract_known then 'openalex'
            when answers.has_abstract then 'semantic_scholar'
        end as abstract_source
    from kept
    left join answers on kept.doi = answers.doi
),

found as (
    select
        paper_id,
        author_id,
        influential_citation_count,
        has_tldr,
        abstract_source
    from kept
)

{{ find_differences('expected', 'found') }}
