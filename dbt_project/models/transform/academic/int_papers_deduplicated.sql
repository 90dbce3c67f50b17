with considered as (
    select * from {{ ref('int_papers_considered') }}
    where set_aside_reason is null
),

authorships as (
    select * from {{ ref('int_authorships') }}
),

others as (
    select
        considered.paper_id,
        considered.author_id,
        count(*) as coauthor_count,
        string_agg(authorships.author_name, '; ' order by authorships.authorship_rank) as coauthor_names
    from considered
    inner join authorships
        on
            considered.paper_id = authorships.work_id
            and considered.author_id != authorships.author_id
    group by considered.paper_id, considered.author_id
)

select
    considered.paper_id,
    considered.author_id,
    others.coauthor_names,
    cast(coalesce(others.coauthor_count, 0) as integer) as coauthor_count
from considered
left join others
    on
        considered.paper_id = others.paper_id
        and considered.author_id = others.author_id
