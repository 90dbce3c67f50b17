with trips as (
    select
        pickup_zone_id,
        date_trunc('hour', pickup_time) as hour_start,
        passenger_count,
        total_amount,
        fare_amount,
        duration_minutes
    from {{ ref('int_trips') }}
)

select
    pickup_zone_id,
    cast(hour_start as timestamp) as hour_start,
    cast(hour_start as date) as pickup_date,
    count(*) as trip_count,
    cast(coalesce(sum(passenger_count), 0) as bigint) as passenger_count,
    cast(sum(total_amount) as decimal(18, 2)) as revenue_amount,
    median(cast(fare_amount as double)) as median_fare_amount,
    median(cast(duration_minutes as double)) as median_duration_minutes
from trips
group by pickup_zone_id, hour_start
