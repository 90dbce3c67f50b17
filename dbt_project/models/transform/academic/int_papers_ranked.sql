-- A paper counts once, however many roster authors it has.
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
    case
        when cited_by_count = 0 then 'uncited'
        when citation_percentile <= 50 then 'low_impact'
        when citation_percentile <= 80 then 'medium_impact'
        when citation_percentile <= 95 then 'high_impact'
        else 'very_high_impact'
    end as citation_category
from ranked
