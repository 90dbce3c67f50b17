with stages as (
    select
        author_age - author_age % 5 as first_age,
        count(distinct author_id) as researchers,
        sum(younger_count) as younger,
        sum(same_age_count) as same_age,
        sum(older_count) as older,
        sum(younger_count + same_age_count + older_count) as coauthors
    from marts.fct_author_years
    group by author_age - author_age % 5
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
