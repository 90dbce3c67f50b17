with papers as (
    select distinct
        paper_id,
        publication_year - publication_year % 5 as first_year,
        coauthor_count,
        countries_distinct_count,
        is_large_collaboration
    from marts.fct_papers
)

select
    first_year as from_year,
    first_year + 4 as to_year,
    count(*) as papers,
    round(avg(case when not is_large_collaboration then coauthor_count + 1.0 end), 1) as mean_authors,
    round(100.0 * count(*) filter (where coauthor_count = 0) / count(*), 1) as percent_single_author,
    round(100.0 * count(*) filter (where countries_distinct_count > 1) / count(*), 1)
        as percent_international,
    round(100.0 * count(*) filter (where is_large_collaboration) / count(*), 1)
        as percent_over_25_authors
from papers
group by first_year
order by first_year
