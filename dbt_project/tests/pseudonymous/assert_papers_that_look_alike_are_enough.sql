-- Decision: of each group, the papers that look alike in all that is told of them are enough, and of enough people.
with told as (
    select
        deduplicated.author_id,
        works.* exclude (work_id, doi, title, publication_date, load_id, record_hash),
        ranked.* exclude (paper_id),
        deduplicated.coauthor_count,
        apart.paper_id,
        people.author_id as person_id
    from {{ ref('pseudonymous_works') }} as works
    inner join {{ ref('pseudonymous_papers_deduplicated') }} as deduplicated on works.work_id = deduplicated.paper_id
    inner join {{ ref('pseudonymous_papers_ranked') }} as ranked on works.work_id = ranked.paper_id
    inner join {{ ref('pseudonymous_papers_told_apart') }} as apart on works.work_id = apart.pseudonym
    inner join {{ ref('int_papers_deduplicated') }} as people on apart.paper_id = people.paper_id
    inner join {{ ref('pseudonymous_memberships') }} as memberships
        on
            people.author_id = memberships.author_id
            and deduplicated.author_id = memberships.group_id
),

counted as (
    select
        * exclude (paper_id, person_id),
        count(distinct paper_id) as paper_count,
        count(distinct person_id) as person_count
    from told
    group by all
)

select *
from counted
where least(paper_count, person_count) < {{ smallest_group() }}
