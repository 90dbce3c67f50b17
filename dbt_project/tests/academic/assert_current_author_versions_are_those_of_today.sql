-- Decision: every author of today's roster has a current version, and it says what the tables say today.
with expected as (
    select
        author_id,
        institution_id,
        department,
        position,
        h_index,
        openalex_h_index
    from {{ ref('int_authors_tracked') }}
),

found as (
    select
        author_id,
        institution_id,
        department,
        position,
        h_index,
        openalex_h_index
    from {{ ref('dim_author_versions') }}
    where is_current
)

{{ find_differences('expected', 'found') }}
