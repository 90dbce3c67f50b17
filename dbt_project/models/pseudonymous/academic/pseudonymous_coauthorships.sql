-- A pair of groups is shown in a year if there are enough people on both sides.
{{ config(post_hook="{{ note_years('publication_year') }}") }}

with coauthorships as (
    select
        authors.group_id as author_id,
        coauthors.group_id as coauthor_id,
        authors.first_year as author_first_publication_year,
        coauthors.first_year as coauthor_first_publication_year,
        coauthors.is_roster as is_roster_coauthor,
        coauthorships.author_id as true_author_id,
        coauthorships.coauthor_id as true_coauthor_id,
        coauthorships.publication_year,
        coauthorships.collaboration_count,
        coauthorships.is_large_collaboration,
        coauthorships.publication_date
    from {{ ref('int_coauthorships') }} as coauthorships
    inner join {{ ref('pseudonymous_memberships') }} as authors on coauthorships.author_id = authors.author_id
    inner join {{ ref('pseudonymous_memberships') }} as coauthors
        on coauthorships.coauthor_id = coauthors.author_id
    -- the moved date of another year would tell it
    where year(coauthorships.publication_date) = coauthorships.publication_year
),

summed as (
    select
        author_id,
        coauthor_id,
        publication_year,
        author_first_publication_year,
        coauthor_first_publication_year,
        is_roster_coauthor,
        cast(sum(collaboration_count) as integer) as collaboration_count,
        bool_and(is_large_collaboration) as is_large_collaboration,
        -- the latest one first: whatever else, the moved date is not that
        list_prepend(max(publication_date), list_distinct(list(publication_date))) as publication_dates
    from coauthorships
    group by all
    having
        count(distinct true_author_id) >= {{ smallest_group() }}
        and count(distinct true_coauthor_id) >= {{ smallest_group() }}
),

aged as (
    select
        author_id,
        coauthor_id,
        'Withheld' as author_institution,
        'Withheld' as coauthor_institution,
        publication_year,
        collaboration_count,
        cast(sum(collaboration_count) over pair_to_date as integer) as collaboration_count_to_date,
        author_first_publication_year,
        {{ find_age('publication_year', 'author_first_publication_year') }} as author_age,
        coauthor_first_publication_year,
        {{ find_age('publication_year', 'coauthor_first_publication_year') }} as coauthor_age,
        author_age - coauthor_age as age_difference,
        row_number() over pair_to_date = 1 as is_new_collaboration,
        is_large_collaboration,
        is_roster_coauthor,
        move_dates(
            [concat_ws(' ', author_id, coauthor_id, publication_year)], publication_dates
        )[1] as publication_date
    from summed
    window pair_to_date as (
        partition by author_id, coauthor_id
        order by publication_year
        rows between unbounded preceding and current row
    )
)

select * from {{ ref('int_coauthorships') }}
where false
union all by name
select
    *,
    {{ categorise_age_difference('age_difference') }} as age_category
from aged
