select
    -- ids
    institution_id,
    ror,

    -- text
    institution_name,
    institution_type,
    country_code,
    country,
    city,
    homepage_url,

    -- numerics
    work_count,
    latitude_degrees,
    longitude_degrees
from {{ ref('int_institutions') }}
