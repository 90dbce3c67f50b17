with newest as (
    select max(publication_year) as publication_year from marts.fct_papers
),

papers as (
    -- a paper of two colleagues is one paper
    select distinct
        papers.paper_id,
        topics.field_name,
        newest.publication_year - papers.publication_year as years_ago
    from marts.fct_papers as papers
    inner join marts.dim_topics as topics on papers.primary_topic_id = topics.topic_id
    cross join newest
    where papers.publication_year > newest.publication_year - 10
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
