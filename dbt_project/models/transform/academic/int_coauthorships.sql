with papers as (
    select * from {{ ref('int_papers_deduplicated') }}
),

works as (
    select * from {{ ref('int_works') }}
),

authorships as (
    select * from {{ ref('int_authorships') }}
),

authors as (
    select * from {{ ref('int_authors') }}
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

collaborations as (
    select
        papers.author_id,
        authorships.author_id as coauthor_id,
        works.publication_year,
        max(works.publication_date) as publication_date,
        count(*) as collaboration_count,
        bool_and(works.is_large_collaboration) as is_large_collaboration
    from papers
    inner join works on papers.paper_id = works.work_id
    inner join authorships
        on
            papers.paper_id = authorships.work_id
            and papers.author_id != authorships.author_id
    group by papers.author_id, authorships.author_id, works.publication_year
),

accumulated as (
    select
        *,
        sum(collaboration_count) over pair_to_date as collaboration_count_to_date,
        row_number() over pair_to_date = 1 as is_new_collaboration
    from collaborations
    window pair_to_date as (
        partition by author_id, coauthor_id
        order by publication_year
        rows between unbounded preceding and current row
    )
),

aged as (
    select
        accumulated.*,
        authors.first_publication_year as author_first_publication_year,
        coauthors.first_publication_year as coauthor_first_publication_year,
        {{ find_age('accumulated.publication_year', 'authors.first_publication_year') }} as author_age,
        {{ find_age('accumulated.publication_year', 'coauthors.first_publication_year') }} as coauthor_age,
        coauthors.is_roster as is_roster_coauthor
    from accumulated
    inner join authors on accumulated.author_id = authors.author_id
    inner join authors as coauthors on accumulated.coauthor_id = coauthors.author_id
)

select
    aged.author_id,
    aged.coauthor_id,
    author_affiliations.institution_id as author_institution_id,
    coauthor_affiliations.institution_id as coauthor_institution_id,
    coalesce(author_affiliations.institution_name, 'Unknown') as author_institution,
    coalesce(coauthor_affiliations.institution_name, 'Unknown') as coauthor_institution,
    case
        when author_affiliations.institution_id = coauthor_affiliations.institution_id
            then author_affiliations.institution_name
    end as shared_institution,
    {{ categorise_age_difference('aged.author_age - aged.coauthor_age') }} as age_category,
    cast(aged.publication_year as integer) as publication_year,
    cast(aged.collaboration_count as integer) as collaboration_count,
    cast(aged.collaboration_count_to_date as integer) as collaboration_count_to_date,
    cast(aged.author_first_publication_year as integer) as author_first_publication_year,
    cast(aged.author_age as integer) as author_age,
    cast(aged.coauthor_first_publication_year as integer) as coauthor_first_publication_year,
    cast(aged.coauthor_age as integer) as coauthor_age,
    cast(aged.author_age - aged.coauthor_age as integer) as age_difference,
    aged.is_new_collaboration,
    aged.is_large_collaboration,
    aged.is_roster_coauthor,
    aged.publication_date
from aged
left join affiliations as author_affiliations
    on
        aged.author_id = author_affiliations.author_id
        and aged.publication_year = author_affiliations.publication_year
left join affiliations as coauthor_affiliations
    on
        aged.coauthor_id = coauthor_affiliations.author_id
        and aged.publication_year = coauthor_affiliations.publication_year
