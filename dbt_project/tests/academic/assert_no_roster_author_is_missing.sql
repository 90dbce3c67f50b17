-- Decision: dim_authors has everyone on today's roster, also without a work, and marks nobody else.
with expected as (
    select author_id
    from {{ ref('stg_openalex__roster') }}
    where is_member
),

found as (
    select author_id
    from {{ ref('dim_authors') }}
    where is_roster
)

{{ find_differences('expected', 'found') }}
