-- A paper counts once, for any number of roster authors.
with papers as (
    select distinct paper_id from {{ ref('int_papers_deduplicated') }}
),

works as (
    select * from {{ ref('int_works') }}
),

ranked as (
    select
        papers.paper_id,
        works.cited_by_count,
        100 * percent_rank() over (order by works.cited_by_count) as citation_percentile
    from papers
    inner join works on papers.paper_id = works.work_id
)

select
    paper_id,
    citation_percentile,
    {{ categorise_citations('cited_by_count', 'citation_percentile') }} as citation_category
from ranked
