-- Decision: the papers of a group that look alike in everything that is shown are enough, and of enough
-- people.
with works as (
    select
        work_id as pseudonym,
        * exclude (work_id, doi, title, publication_date, load_id, record_hash)
    from {{ ref('pseudonymous_works') }}
),

ranked as (
    select
        paper_id as pseudonym,
        * exclude (paper_id)
    from {{ ref('pseudonymous_papers_ranked') }}
),

deduplicated as (
    select
        paper_id as pseudonym,
        author_id as group_id,
        coauthor_count
    from {{ ref('pseudonymous_papers_deduplicated') }}
),

people as (
    select
        apart.pseudonym,
        apart.paper_id,
        papers.author_id as person_id
    from {{ ref('pseudonymous_papers_generalised') }} as apart
    inner join {{ ref('int_papers_deduplicated') }} as papers on apart.paper_id = papers.paper_id
    inner join {{ ref('pseudonymous_memberships') }} as memberships
        on
            papers.author_id = memberships.author_id
            and apart.group_id = memberships.group_id
),

shown as (
    select
        works.*,
        ranked.* exclude (ranked.pseudonym),
        deduplicated.* exclude (deduplicated.pseudonym),
        people.paper_id,
        people.person_id
    from works
    inner join ranked on works.pseudonym = ranked.pseudonym
    inner join deduplicated on works.pseudonym = deduplicated.pseudonym
    left join people on works.pseudonym = people.pseudonym
),

counted as (
    select
        * exclude (pseudonym, paper_id, person_id),
        count(distinct paper_id) as paper_count,
        count(distinct person_id) as person_count
    from shown
    group by all
)

select *
from counted
where least(paper_count, person_count) < {{ smallest_group() }}
