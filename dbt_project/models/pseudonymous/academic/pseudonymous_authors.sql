with memberships as (
    select * from {{ ref('pseudonymous_memberships') }}
),

authors as (
    select * from {{ ref('int_authors') }}
),

kept_papers as (
    select distinct paper_id from {{ ref('int_papers_deduplicated') }}
),

group_works as (
    select distinct
        memberships.group_id,
        authorships.work_id
    from {{ ref('int_authorships') }} as authorships
    inner join memberships on authorships.author_id = memberships.author_id
),

totals as (
    select
        group_works.group_id,
        cast(count(*) as integer) as work_count,
        cast(count(kept_papers.paper_id) as integer) as paper_count,
        cast(sum(works.cited_by_count) as bigint) as cited_by_count,
        cast(sum(works.cited_by_count) filter (where kept_papers.paper_id is not null) as bigint)
            as paper_cited_by_count
    from group_works
    inner join {{ ref('int_works') }} as works on group_works.work_id = works.work_id
    left join kept_papers on group_works.work_id = kept_papers.paper_id
    group by group_works.group_id
),

groups as (
    select
        memberships.group_id,
        memberships.first_year,
        memberships.is_roster,
        cast({{ mean_of_people('authors.last_publication_year') }} as integer) as last_publication_year,
        cast(round(avg(authors.h_index)) as integer) as h_index,
        cast(round(avg(authors.paper_h_index)) as integer) as paper_h_index,
        cast({{ mean_of_people('authors.openalex_work_count') }} as bigint) as openalex_work_count,
        cast({{ mean_of_people('authors.openalex_cited_by_count') }} as bigint) as openalex_cited_by_count,
        cast({{ mean_of_people('authors.openalex_h_index') }} as integer) as openalex_h_index
    from memberships
    inner join authors on memberships.author_id = authors.author_id
    group by memberships.group_id, memberships.first_year, memberships.is_roster
),

described as (
    select
        groups.group_id as author_id,
        groups.group_id as author_name,
        groups.first_year as first_publication_year,
        groups.last_publication_year,
        coalesce(totals.work_count, 0) as work_count,
        coalesce(totals.paper_count, 0) as paper_count,
        coalesce(totals.cited_by_count, 0) as cited_by_count,
        coalesce(totals.paper_cited_by_count, 0) as paper_cited_by_count,
        groups.h_index,
        groups.paper_h_index,
        groups.openalex_work_count,
        groups.openalex_cited_by_count,
        groups.openalex_h_index,
        groups.is_roster,
        false as is_first_year_given
    from groups
    left join totals on groups.group_id = totals.group_id
)

select * from authors
where false
union all by name
select * from described
