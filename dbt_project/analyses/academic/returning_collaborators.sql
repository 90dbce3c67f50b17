with pairs as (
    select
        author_id,
        coauthor_id,
        min(publication_year) as first_year,
        min(case when not is_new_collaboration then publication_year end) as next_year
    from marts.fct_coauthorships
    where not is_large_collaboration
    group by author_id, coauthor_id
),

newest as (
    select max(publication_year) as publication_year from marts.fct_coauthorships
)

select
    pairs.first_year - pairs.first_year % 5 as met_from,
    pairs.first_year - pairs.first_year % 5 + 4 as met_to,
    count(*) as pairs,
    round(100.0 * count(*) filter (where pairs.next_year <= pairs.first_year + 5) / count(*), 1)
        as percent_again_within_5_years
from pairs
cross join newest
-- only who had five years to come back
where pairs.first_year <= newest.publication_year - 5
group by pairs.first_year - pairs.first_year % 5
order by met_from
