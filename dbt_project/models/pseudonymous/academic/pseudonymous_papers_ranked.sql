-- The category follows from the means; if it is shown, every paper of the cell has it.
with papers as (
    select
        papers.pseudonym as paper_id,
        round({{ mean_of_cell('works.cited_by_count') }}) as cited_by_count,
        {{ mean_of_cell('ranked.citation_percentile') }} as citation_percentile
    from {{ ref('pseudonymous_papers_generalised') }} as papers
    inner join {{ ref('int_works') }} as works on papers.paper_id = works.work_id
    inner join {{ ref('int_papers_ranked') }} as ranked on papers.paper_id = ranked.paper_id
    window cell as (partition by papers.cell_number)
)

select * from {{ ref('int_papers_ranked') }}
where false
union all by name
select
    paper_id,
    citation_percentile,
    {{ categorise_citations('cited_by_count', 'citation_percentile') }} as citation_category
from papers
