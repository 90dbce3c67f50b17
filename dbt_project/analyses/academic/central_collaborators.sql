with collaborators as (
    select
        coauthorships.coauthor_id,
        count(distinct coauthorships.author_id) as researchers,
        count(distinct authors.department) as departments,
        sum(coauthorships.collaboration_count) as collaborations,
        min(coauthorships.publication_year) as since,
        max(coauthorships.publication_year) as latest
    from marts.fct_coauthorships as coauthorships
    inner join marts.dim_authors as authors on coauthorships.author_id = authors.author_id
    inner join marts.dim_loads as loads on coauthorships.publication_year <= loads.loaded_year
    where
        not coauthorships.is_roster_coauthor
        and not coauthorships.is_large_collaboration
    group by coauthorships.coauthor_id
)

select
    authors.author_name as collaborator,
    collaborators.researchers,
    collaborators.departments,
    collaborators.collaborations,
    collaborators.since,
    collaborators.latest
from collaborators
inner join marts.dim_authors as authors on collaborators.coauthor_id = authors.author_id
order by
    collaborators.researchers desc,
    collaborators.collaborations desc,
    authors.author_name,
    authors.author_id
limit 10
