-- OpenAlex lists the citations of about ten years: of younger papers it lists all
with papers as (
    select distinct
        papers.paper_id,
        papers.publication_year,
        loads.last_finished_year
    from marts.fct_papers as papers
    inner join marts.dim_loads as loads
        on papers.publication_year between loads.last_finished_year - 8 and loads.last_finished_year
),

ages as (
    select
        papers.paper_id,
        papers.publication_year,
        ages.years_after
    from papers
    inner join (values (0), (1), (2), (3), (4), (5), (6), (7), (8)) as ages (years_after)
        on papers.publication_year + ages.years_after <= papers.last_finished_year
)

select
    ages.years_after as years_after_publication,
    count(*) as papers,
    coalesce(sum(citations.citation_count), 0) as citations,
    round(1.0 * coalesce(sum(citations.citation_count), 0) / count(*), 2) as citations_per_paper
from ages
left join marts.fct_paper_citations as citations
    on
        ages.paper_id = citations.paper_id
        and ages.publication_year + ages.years_after = citations.citation_year
group by ages.years_after
order by ages.years_after
