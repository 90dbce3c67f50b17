-- A year is shown if enough people of the group have a paper in it; counts are sums over them.
with years as (
    select
        memberships.group_id as author_id,
        memberships.first_year,
        author_years.* exclude (author_id)
    from {{ ref('int_author_years') }} as author_years
    inner join {{ ref('pseudonymous_memberships') }} as memberships
        on author_years.author_id = memberships.author_id
    where author_years.paper_count > 0
),

summed as (
    select
        author_id,
        'Withheld' as author_institution,
        publication_year,
        publication_year - first_year as author_age,
        cast(sum(paper_count) as integer) as paper_count,
        cast(sum(citation_count) as bigint) as citation_count,
        cast(sum(coauthor_count) as integer) as coauthor_count,
        cast(sum(new_coauthor_count) as integer) as new_coauthor_count,
        cast(sum(returning_coauthor_count) as integer) as returning_coauthor_count,
        cast(sum(younger_count) as integer) as younger_count,
        cast(sum(same_age_count) as integer) as same_age_count,
        cast(sum(older_count) as integer) as older_count,
        cast(sum(younger_collaboration_count) as integer) as younger_collaboration_count,
        cast(sum(same_age_collaboration_count) as integer) as same_age_collaboration_count,
        cast(sum(older_collaboration_count) as integer) as older_collaboration_count,
        cast(sum(younger_count) as double)
        / nullif(sum(younger_count) + sum(same_age_count) + sum(older_count), 0) as share_younger,
        cast(sum(same_institution_coauthor_count) as integer) as same_institution_coauthor_count,
        cast(sum(distinct_institution_count) as integer) as distinct_institution_count,
        sum(mean_coauthors_per_paper * paper_count) / sum(paper_count) as mean_coauthors_per_paper,
        cast(round(avg(h_index_to_date)) as integer) as h_index_to_date
    from years
    group by author_id, publication_year, first_year
    having count(*) >= {{ smallest_group() }}
)

select * from {{ ref('int_author_years') }}
where false
union all by name
select * from summed
