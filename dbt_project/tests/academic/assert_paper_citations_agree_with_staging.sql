-- Decision: every year in which a kept paper was cited has one row, for any number of roster authors.
with papers as (
    select distinct paper_id from {{ ref('fct_papers') }}
),

expected as (
    select
        citations.work_id as paper_id,
        citations.citation_year,
        max(citations.citation_count) as citation_count
    from {{ ref('stg_openalex__work_citations') }} as citations
    inner join papers on citations.work_id = papers.paper_id
    where citations.citation_year is not null
    group by citations.work_id, citations.citation_year
),

found as (
    select * from {{ ref('fct_paper_citations') }}
)

{{ find_differences('expected', 'found') }}
