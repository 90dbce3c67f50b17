-- Decision: what OpenAlex told of a coauthor may be a year old; an earlier paper that is seen counts more.
select
    coauthor_id,
    publication_year,
    coauthor_first_publication_year
from {{ ref('fct_coauthorships') }}
where
    coauthor_age < 0
    -- a first year that the roster gives is taken as true, whatever papers say
    and not is_roster_coauthor
