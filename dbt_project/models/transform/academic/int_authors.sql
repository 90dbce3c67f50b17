with authorships as (
    select * from {{ ref('int_authorships') }}
),

works as (
    select * from {{ ref('int_works') }}
),

roster as (
    select * from {{ ref('stg_openalex__roster') }}
    where is_member
),

memberships as (
    select * from {{ ref('int_author_memberships') }}
    where is_main
),

authors as (
    select * from {{ ref('stg_openalex__authors') }}
),

coauthor_years as (
    select * from {{ ref('stg_openalex__coauthor_years') }}
),

kept_papers as (
    select * from {{ ref('int_papers_considered') }}
    where set_aside_reason is null
),

met as (
    select author_id from authorships
    union
    select author_id from roster
),

-- a name is spelled as in the newest record that has it
named as (
    select
        authorships.author_id,
        authorships.author_name,
        authorships.orcid
    from authorships
    inner join works on authorships.work_id = works.work_id
    qualify row_number() over (
        partition by authorships.author_id
        order by works.updated_at desc nulls last, authorships.work_id
    ) = 1
),

-- the first one of the newest work that lists any; of works dated after the last load only without others
newest_institutions as (
    select
        authorships.author_id,
        authorships.institution_id
    from authorships
    inner join works on authorships.work_id = works.work_id
    where authorships.institution_id is not null
    qualify row_number() over (
        partition by authorships.author_id
        order by
            works.is_future_dated,
            works.publication_date desc nulls last,
            works.publication_year desc nulls last,
            authorships.work_id
    ) = 1
),

ranked_works as (
    select
        authorships.author_id,
        works.publication_year,
        works.is_future_dated,
        works.cited_by_count,
        row_number() over (
            partition by authorships.author_id
            order by works.cited_by_count desc, works.work_id
        ) as citation_rank
    from authorships
    inner join works on authorships.work_id = works.work_id
),

totals as (
    select
        author_id,
        min(publication_year) as first_publication_year,
        coalesce(
            max(publication_year) filter (where not is_future_dated), max(publication_year)
        ) as last_publication_year,
        count(*) as work_count,
        sum(cited_by_count) as cited_by_count,
        count(*) filter (where cited_by_count >= citation_rank) as h_index
    from ranked_works
    group by author_id
),

-- a coauthor's papers are those of any roster author, a roster author's those kept for them
author_papers as (
    select distinct
        authorships.author_id,
        works.work_id as paper_id,
        works.cited_by_count
    from authorships
    inner join kept_papers
        on
            authorships.work_id = kept_papers.paper_id
            and (authorships.author_id = kept_papers.author_id or not authorships.is_roster_author)
    inner join works on authorships.work_id = works.work_id
),

ranked_papers as (
    select
        *,
        row_number() over (
            partition by author_id
            order by cited_by_count desc, paper_id
        ) as citation_rank
    from author_papers
),

paper_totals as (
    select
        author_id,
        count(*) as paper_count,
        sum(cited_by_count) as paper_cited_by_count,
        count(*) filter (where cited_by_count >= citation_rank) as paper_h_index
    from ranked_papers
    group by author_id
)

select
    met.author_id,
    coalesce(authors.orcid, roster.orcid, named.orcid) as orcid,
    coalesce(
        authors.last_known_institution_id, newest_institutions.institution_id
    ) as last_known_institution_id,
    coalesce(authors.author_name, roster.author_name, named.author_name, met.author_id) as author_name,
    memberships.department,
    memberships.college,
    memberships.position,
    roster.group_url,
    case
        when authors.last_known_institution_id is not null then 'author_record'
        when newest_institutions.institution_id is not null then 'newest_work'
    end as last_institution_source,
    case
        when roster.first_publication_year is not null then 'given'
        when roster.author_id is not null and totals.first_publication_year is not null then 'roster'
        when coauthor_years.first_publication_year > totals.first_publication_year then 'seen'
        when coauthor_years.first_publication_year is not null then 'cache'
        when totals.first_publication_year is not null then 'seen'
    end as first_year_source,
    -- an answer may be a year old, and one person two in OpenAlex: nobody is younger than a paper seen
    cast(coalesce(
        roster.first_publication_year,
        least(coauthor_years.first_publication_year, totals.first_publication_year)
    ) as integer) as first_publication_year,
    cast(
        greatest(coauthor_years.last_publication_year, totals.last_publication_year) as integer
    ) as last_publication_year,
    cast(coalesce(totals.work_count, 0) as integer) as work_count,
    cast(coalesce(paper_totals.paper_count, 0) as integer) as paper_count,
    cast(coalesce(totals.cited_by_count, 0) as bigint) as cited_by_count,
    cast(coalesce(paper_totals.paper_cited_by_count, 0) as bigint) as paper_cited_by_count,
    cast(coalesce(totals.h_index, 0) as integer) as h_index,
    cast(coalesce(paper_totals.paper_h_index, 0) as integer) as paper_h_index,
    authors.works_count as openalex_work_count,
    authors.cited_by_count as openalex_cited_by_count,
    authors.h_index as openalex_h_index,
    roster.group_size,
    roster.author_id is not null as is_roster,
    coalesce(roster.first_publication_year is not null, false) as is_first_year_given,
    roster.has_research_group,
    roster.is_professor
from met
left join roster on met.author_id = roster.author_id
left join memberships on met.author_id = memberships.author_id
left join authors on met.author_id = authors.author_id
left join named on met.author_id = named.author_id
-- roster authors are not looked up: raw has all of their works
left join coauthor_years
    on
        met.author_id = coauthor_years.author_id
        and roster.author_id is null
left join totals on met.author_id = totals.author_id
left join paper_totals on met.author_id = paper_totals.author_id
left join newest_institutions on met.author_id = newest_institutions.author_id
