-- The snapshot keeps former members; the marts follow the authors of today's works.
with versions as (
    select * from {{ ref('authors_snapshot') }}
),

authors as (
    select author_id from {{ ref('int_authors') }}
)

select
    versions.author_id,
    versions.institution_id,
    versions.institution_name,
    versions.department,
    versions.position,
    versions.h_index,
    versions.openalex_h_index,
    versions.dbt_valid_to is null as is_current,
    versions.dbt_valid_from at time zone 'UTC' as valid_from,
    versions.dbt_valid_to at time zone 'UTC' as valid_to
from versions
inner join authors on versions.author_id = authors.author_id
