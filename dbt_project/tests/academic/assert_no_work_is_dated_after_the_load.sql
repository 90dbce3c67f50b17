-- Decision: a work dated after the last load is kept, marked and counted here by a warning, one row each.
select
    work_id,
    publication_date,
    publication_year
from {{ ref('int_works') }}
where is_future_dated
