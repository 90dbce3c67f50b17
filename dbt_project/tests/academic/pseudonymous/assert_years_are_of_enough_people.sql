-- Decision: a year of a group, or of two groups, is shown if enough people have a part in it.
with people as (
    select
        memberships.group_id,
        papers.author_id,
        works.publication_year,
        coauthors.author_id as coauthor_id,
        coauthors.group_id as coauthor_group_id
    from {{ ref('int_papers_deduplicated') }} as papers
    inner join {{ ref('int_works') }} as works on papers.paper_id = works.work_id
    inner join {{ ref('pseudonymous_memberships') }} as memberships
        on papers.author_id = memberships.author_id
    inner join {{ ref('int_authorships') }} as authorships on papers.paper_id = authorships.work_id
    left join {{ ref('pseudonymous_memberships') }} as coauthors
        on
            authorships.author_id = coauthors.author_id
            and papers.author_id != coauthors.author_id
),

years as (
    select
        group_id,
        null as coauthor_group_id,
        publication_year,
        count(distinct author_id) as person_count
    from people
    group by group_id, publication_year
    union all
    select
        group_id,
        coauthor_group_id,
        publication_year,
        least(count(distinct author_id), count(distinct coauthor_id)) as person_count
    from people
    where coauthor_group_id is not null
    group by group_id, coauthor_group_id, publication_year
),

published as (
    select
        author_id,
        null as coauthor_id,
        publication_year
    from {{ ref('pseudonymous_author_years') }}
    union all
    select
        author_id,
        coauthor_id,
        publication_year
    from {{ ref('pseudonymous_coauthorships') }}
)

select published.*
from published
left join years
    on
        published.author_id = years.group_id
        and published.coauthor_id is not distinct from years.coauthor_group_id
        and published.publication_year = years.publication_year
where coalesce(years.person_count, 0) < {{ smallest_group() }}
