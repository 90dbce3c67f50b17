select
    -- ids
    author_id,
    institution_id,

    -- text
    institution_name,
    department,
    position,

    -- numerics
    h_index,
    openalex_h_index,

    -- booleans
    is_current,

    -- timestamps
    valid_from,
    valid_to
from {{ ref('int_author_versions') }}
