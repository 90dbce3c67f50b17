-- Decision: an earlier paper in raw overrides OpenAlex's first year of a coauthor, which may be a year old.
select
    coauthor_id,
    publication_year,
    coauthor_first_publication_year
from {{ ref('fct_coauthorships') }}
where
    publication_year < coauthor_first_publication_year
    -- the roster's first year overrides the papers
    and not is_roster_coauthor
