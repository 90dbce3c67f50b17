with authorships as (
    select * from {{ ref('int_authorships') }}
    where
        institution_id is not null
        and publication_year is not null
),

counted as (
    select
        author_id,
        publication_year,
        institution_id,
        count(*) as work_count
    from authorships
    group by author_id, publication_year, institution_id
)

select
    author_id,
    publication_year,
    institution_id
from counted
qualify row_number() over (
    partition by author_id, publication_year
    order by work_count desc, institution_id
) = 1
