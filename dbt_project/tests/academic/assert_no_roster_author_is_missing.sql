-- Decision: whoever is on the roster today is in dim_authors, even without a work, and nobody else is marked.
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
