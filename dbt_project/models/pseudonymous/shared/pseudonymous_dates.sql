-- Only years that what is published lies in or between: a mistaken year would tell whose paper it is.
with years as (
    select publication_year from {{ ref('pseudonymous_works') }}
    union all
    select publication_year from {{ ref('pseudonymous_coauthorships') }}
),

span as (
    select
        min(publication_year) as first_year,
        max(publication_year) as last_year
    from years
)

select dates.*
from {{ ref('int_dates') }} as dates
inner join span on dates.year_number between span.first_year and span.last_year
