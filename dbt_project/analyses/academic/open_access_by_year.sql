with papers as (
    select distinct
        papers.paper_id,
        papers.publication_year,
        papers.is_open_access,
        papers.oa_status
    from marts.fct_papers as papers
    inner join marts.dim_loads as loads
        on papers.publication_year between loads.last_finished_year - 9 and loads.last_finished_year
)

select
    publication_year as published_in,
    count(*) as papers,
    round(100.0 * count(*) filter (where is_open_access) / count(*), 1) as percent_open,
    round(100.0 * count(*) filter (where oa_status in ('gold', 'diamond')) / count(*), 1)
        as percent_gold_or_diamond,
    round(100.0 * count(*) filter (where oa_status = 'hybrid') / count(*), 1) as percent_hybrid,
    round(100.0 * count(*) filter (where oa_status = 'green') / count(*), 1) as percent_green,
    round(100.0 * count(*) filter (where oa_status = 'bronze') / count(*), 1) as percent_bronze
from papers
group by publication_year
order by publication_year
