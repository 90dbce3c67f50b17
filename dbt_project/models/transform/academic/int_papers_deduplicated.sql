with considered as (
    select * from {{ ref('int_papers_considered') }}
    where set_aside_reason is null
),

-- the day of publication against the author's periods
written_as_member as (
    select distinct
        considered.paper_id,
        considered.author_id
    from considered
    inner join {{ ref('int_works') }} as works on considered.paper_id = works.work_id
    inner join {{ ref('int_author_memberships') }} as memberships
        on
            considered.author_id = memberships.author_id
            and works.publication_date >= coalesce(memberships.member_from, works.publication_date)
            and works.publication_date <= coalesce(memberships.member_until, works.publication_date)
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
    cast(coalesce(others.coauthor_count, 0) as integer) as coauthor_count,
    written_as_member.paper_id is not null as is_written_as_member
from considered
left join written_as_member
    on
        considered.paper_id = written_as_member.paper_id
        and considered.author_id = written_as_member.author_id
left join others
    on
        considered.paper_id = others.paper_id
        and considered.author_id = others.author_id
