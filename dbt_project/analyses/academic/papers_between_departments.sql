with members as (
    select distinct
        papers.paper_id,
        authors.department
    from marts.fct_papers as papers
    inner join marts.dim_authors as authors on papers.author_id = authors.author_id
    where authors.department is not null
)

select
    one.department,
    other.department as with_department,
    count(*) as papers
from members as one
inner join members as other
    on
        one.paper_id = other.paper_id
        and one.department < other.department
group by one.department, other.department
order by papers desc, one.department, other.department
limit 10
