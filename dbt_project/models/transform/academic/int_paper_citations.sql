with citations as (
    select * from {{ ref('stg_openalex__work_citations') }}
    where citation_year is not null
),

papers as (
    select * from {{ ref('int_papers_ranked') }}
)

select
    papers.paper_id,
    citations.citation_year,
    cast(max(citations.citation_count) as bigint) as citation_count
from citations
inner join papers on citations.work_id = papers.paper_id
group by papers.paper_id, citations.citation_year
