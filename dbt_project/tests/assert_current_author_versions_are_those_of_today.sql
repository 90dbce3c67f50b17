-- Decision: every author of today's roster has a current version, and it says what dim_authors says.
with expected as (
    select
        author_id,
        last_known_institution_id as institution_id,
        department,
        position,
        h_index,
        openalex_h_index
    from {{ ref('dim_authors') }}
    where is_roster
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
