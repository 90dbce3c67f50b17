select
    -- ids
    pickup_zone_id,

    -- numerics
    trip_count,
    passenger_count,
    revenue_amount,
    median_fare_amount,
    median_duration_minutes,

    -- times
    pickup_date,
    hour_start
from {{ ref('int_zone_hours') }}
