-- What the snapshot of authors watches: today's roster authors, as the tables show them now.
with authors as (
    select * from {{ ref('int_authors') }}
    where is_roster
),

institutions as (
    select * from {{ ref('int_institutions') }}
)

select
    authors.author_id,
    authors.last_known_institution_id as institution_id,
    institutions.institution_name,
    authors.department,
    authors.position,
    authors.h_index,
    authors.openalex_h_index
from authors
left join institutions on authors.last_known_institution_id = institutions.institution_id
