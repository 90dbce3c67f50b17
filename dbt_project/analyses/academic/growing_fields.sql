with papers as (
    -- a paper of two colleagues is one paper
    select distinct
        papers.paper_id,
        topics.field_name,
        loads.last_finished_year - papers.publication_year as years_ago
    from marts.fct_papers as papers
    inner join marts.dim_topics as topics on papers.primary_topic_id = topics.topic_id
    inner join marts.dim_loads as loads
        on papers.publication_year between loads.last_finished_year - 9 and loads.last_finished_year
),

fields as (
    select
        field_name,
        count(*) filter (where years_ago >= 5) as papers_before,
        count(*) filter (where years_ago < 5) as papers_now
    from papers
    group by field_name
)

select
    field_name as field,
    papers_before as papers_of_5_years_before,
    papers_now as papers_of_last_5_years,
    round(100.0 * (papers_now - papers_before) / nullif(papers_before, 0), 1) as percent_growth
from fields
order by papers_now - papers_before desc, field_name
limit 10
