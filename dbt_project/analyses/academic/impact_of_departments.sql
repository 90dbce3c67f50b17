with papers as (
    -- a paper of two colleagues counts once for their department
    select distinct
        memberships.department,
        papers.paper_id,
        papers.fwci,
        papers.openalex_citation_percentile
    from marts.fct_papers as papers
    inner join marts.dim_memberships as memberships
        on
            papers.author_id = memberships.author_id
            and papers.publication_date >= coalesce(memberships.member_from, papers.publication_date)
            and papers.publication_date <= coalesce(memberships.member_until, papers.publication_date)
    inner join marts.dim_loads as loads
        on papers.publication_year between loads.last_finished_year - 4 and loads.last_finished_year
    where memberships.department is not null
)

select
    department,
    count(*) as papers,
    -- OpenAlex knows these measures of some papers only
    count(fwci) as papers_with_fwci,
    round(cast(avg(fwci) as numeric), 2) as mean_fwci,
    round(cast(avg(openalex_citation_percentile) as numeric), 1) as mean_percentile_in_field,
    round(
        100.0 * count(case when openalex_citation_percentile >= 90 then 1 end)
        / nullif(count(openalex_citation_percentile), 0),
        1
    ) as percent_in_top_tenth
from papers
group by department
order by mean_fwci desc nulls last, department
