with pairs as (
    select
        author_id,
        coauthor_id,
        min(publication_year) as first_year,
        min(case when not is_new_collaboration then publication_year end) as next_year
    from marts.fct_coauthorships
    where not is_large_collaboration
    group by author_id, coauthor_id
)

select
    pairs.first_year - pairs.first_year % 5 as met_from,
    -- the newest years may be fewer than five
    least(pairs.first_year - pairs.first_year % 5 + 4, loads.last_finished_year - 5) as met_to,
    count(*) as pairs,
    round(100.0 * count(*) filter (where pairs.next_year <= pairs.first_year + 5) / count(*), 1)
        as percent_again_within_5_years
from pairs
-- only who had five finished years to come back
inner join marts.dim_loads as loads on pairs.first_year <= loads.last_finished_year - 5
group by pairs.first_year - pairs.first_year % 5, loads.last_finished_year
order by met_from
