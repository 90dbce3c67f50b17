select
    zone_id,
    zone_name,
    borough_name,
    service_zone
from {{ ref('stg_taxi__zones') }}
