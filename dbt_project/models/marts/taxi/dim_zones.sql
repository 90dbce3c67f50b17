select
    -- ids
    zone_id,

    -- text
    zone_name,
    borough_name,
    service_zone
from {{ ref('int_zones') }}
