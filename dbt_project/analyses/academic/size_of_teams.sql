with papers as (
    select distinct
        papers.paper_id,
        papers.publication_year - papers.publication_year % 5 as first_year,
        loads.last_finished_year,
        papers.coauthor_count,
        papers.countries_distinct_count,
        papers.is_large_collaboration
    from marts.fct_papers as papers
    inner join marts.dim_loads as loads on papers.publication_year <= loads.last_finished_year
)

select
    first_year as from_year,
    -- the newest years may be fewer than five
    least(first_year + 4, last_finished_year) as to_year,
    count(*) as papers,
    round(avg(case when not is_large_collaboration then coauthor_count + 1.0 end), 1) as mean_authors,
    round(100.0 * count(*) filter (where coauthor_count = 0) / count(*), 1) as percent_single_author,
    round(100.0 * count(*) filter (where countries_distinct_count > 1) / count(*), 1)
        as percent_international,
    round(100.0 * count(*) filter (where is_large_collaboration) / count(*), 1)
        as percent_over_25_authors
from papers
group by first_year, last_finished_year
order by first_year
