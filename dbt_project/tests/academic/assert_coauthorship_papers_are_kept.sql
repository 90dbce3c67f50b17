-- Decision: the papers of a collaboration are those that fct_papers keeps for its roster author.
select
    shared.author_id,
    shared.coauthor_id,
    shared.paper_id
from {{ ref('bridge_coauthorship_papers') }} as shared
left join {{ ref('fct_papers') }} as papers
    on
        shared.paper_id = papers.paper_id
        and shared.author_id = papers.author_id
        and shared.publication_year = papers.publication_year
where papers.paper_id is null
