with stages as (
    select
        years.author_age - years.author_age % 5 as first_age,
        count(distinct years.author_id) as researchers,
        sum(years.younger_count) as younger,
        sum(years.same_age_count) as same_age,
        sum(years.older_count) as older,
        sum(years.younger_count + years.same_age_count + years.older_count) as coauthors
    from marts.fct_author_years as years
    inner join marts.dim_loads as loads on years.publication_year <= loads.loaded_year
    group by years.author_age - years.author_age % 5
)

select
    first_age as from_age,
    first_age + 4 as to_age,
    researchers,
    coauthors,
    round(100.0 * older / nullif(coauthors, 0), 1) as percent_older,
    round(100.0 * same_age / nullif(coauthors, 0), 1) as percent_same_age,
    round(100.0 * younger / nullif(coauthors, 0), 1) as percent_younger
from stages
order by first_age
