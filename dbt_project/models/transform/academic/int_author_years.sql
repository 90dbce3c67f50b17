-- Papers are the kept ones; a year without a paper, between the first and the last, has a row of zeros.
-- Papers dated after the last load add their own years, and none between.
with papers as (
    select
        papers.author_id,
        papers.coauthor_count,
        works.work_id as paper_id,
        works.publication_year,
        works.cited_by_count,
        works.is_future_dated
    from {{ ref('int_papers_deduplicated') }} as papers
    inner join {{ ref('int_works') }} as works on papers.paper_id = works.work_id
),

authors as (
    select * from {{ ref('int_authors') }}
),

coauthorships as (
    select * from {{ ref('int_coauthorships') }}
),

affiliations as (
    select
        affiliated.author_id,
        affiliated.publication_year,
        affiliated.institution_id,
        institutions.institution_name
    from {{ ref('int_author_years_affiliated') }} as affiliated
    inner join {{ ref('int_institutions') }} as institutions
        on affiliated.institution_id = institutions.institution_id
),

careers as (
    select
        author_id,
        unnest(generate_series(min(publication_year), max(publication_year))) as publication_year
    from papers
    where not is_future_dated
    group by author_id
    union
    select
        author_id,
        publication_year
    from papers
),

paper_totals as (
    select
        author_id,
        publication_year,
        count(*) as paper_count,
        sum(cited_by_count) as citation_count,
        avg(coauthor_count) as mean_coauthors_per_paper
    from papers
    group by author_id, publication_year
),

coauthor_totals as (
    select
        author_id,
        publication_year,
        count(*) as coauthor_count,
        count(*) filter (where is_new_collaboration) as new_coauthor_count,
        count(*) filter (where age_category = 'younger') as younger_count,
        count(*) filter (where age_category = 'same') as same_age_count,
        count(*) filter (where age_category = 'older') as older_count,
        sum(collaboration_count) filter (where age_category = 'younger') as younger_collaboration_count,
        sum(collaboration_count) filter (where age_category = 'same') as same_age_collaboration_count,
        sum(collaboration_count) filter (where age_category = 'older') as older_collaboration_count,
        count(*) filter (
            where author_institution_id = coauthor_institution_id
        ) as same_institution_coauthor_count,
        count(distinct coauthor_institution_id) as distinct_institution_count
    from coauthorships
    group by author_id, publication_year
),

papers_to_date as (
    select
        careers.author_id,
        careers.publication_year,
        papers.cited_by_count,
        row_number() over (
            partition by careers.author_id, careers.publication_year
            order by papers.cited_by_count desc, papers.paper_id
        ) as citation_rank
    from careers
    inner join papers
        on
            careers.author_id = papers.author_id
            and careers.publication_year >= papers.publication_year
),

h_indexes as (
    select
        author_id,
        publication_year,
        count(*) filter (where cited_by_count >= citation_rank) as h_index_to_date
    from papers_to_date
    group by author_id, publication_year
)

select
    careers.author_id,
    affiliations.institution_id as author_institution_id,
    coalesce(affiliations.institution_name, 'Unknown') as author_institution,
    cast(careers.publication_year as integer) as publication_year,
    cast(careers.publication_year - authors.first_publication_year as integer) as author_age,
    cast(coalesce(paper_totals.paper_count, 0) as integer) as paper_count,
    cast(coalesce(paper_totals.citation_count, 0) as bigint) as citation_count,
    cast(coalesce(coauthor_totals.coauthor_count, 0) as integer) as coauthor_count,
    cast(coalesce(coauthor_totals.new_coauthor_count, 0) as integer) as new_coauthor_count,
    cast(
        coalesce(coauthor_totals.coauthor_count - coauthor_totals.new_coauthor_count, 0) as integer
    ) as returning_coauthor_count,
    cast(coalesce(coauthor_totals.younger_count, 0) as integer) as younger_count,
    cast(coalesce(coauthor_totals.same_age_count, 0) as integer) as same_age_count,
    cast(coalesce(coauthor_totals.older_count, 0) as integer) as older_count,
    cast(
        coalesce(coauthor_totals.younger_collaboration_count, 0) as integer
    ) as younger_collaboration_count,
    cast(
        coalesce(coauthor_totals.same_age_collaboration_count, 0) as integer
    ) as same_age_collaboration_count,
    cast(coalesce(coauthor_totals.older_collaboration_count, 0) as integer) as older_collaboration_count,
    -- no coauthor of known age, no share
    cast(coauthor_totals.younger_count as double) / nullif(
        coauthor_totals.younger_count + coauthor_totals.same_age_count + coauthor_totals.older_count, 0
    ) as share_younger,
    cast(
        coalesce(coauthor_totals.same_institution_coauthor_count, 0) as integer
    ) as same_institution_coauthor_count,
    cast(coalesce(coauthor_totals.distinct_institution_count, 0) as integer) as distinct_institution_count,
    paper_totals.mean_coauthors_per_paper,
    cast(h_indexes.h_index_to_date as integer) as h_index_to_date
from careers
inner join authors on careers.author_id = authors.author_id
inner join h_indexes
    on
        careers.author_id = h_indexes.author_id
        and careers.publication_year = h_indexes.publication_year
left join paper_totals
    on
        careers.author_id = paper_totals.author_id
        and careers.publication_year = paper_totals.publication_year
left join coauthor_totals
    on
        careers.author_id = coauthor_totals.author_id
        and careers.publication_year = coauthor_totals.publication_year
left join affiliations
    on
        careers.author_id = affiliations.author_id
        and careers.publication_year = affiliations.publication_year
