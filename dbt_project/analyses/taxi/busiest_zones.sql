with zone_hours as (
    select
        pickup_zone_id,
        extract(hour from hour_start) as hour_of_day,
        sum(trip_count) as trips,
        sum(revenue_amount) as revenue
    from marts.fct_zone_hours
    group by pickup_zone_id, extract(hour from hour_start)
),

ranked as (
    select
        pickup_zone_id,
        hour_of_day,
        sum(trips) over (partition by pickup_zone_id) as zone_trips,
        sum(revenue) over (partition by pickup_zone_id) as zone_revenue,
        row_number() over (partition by pickup_zone_id order by trips desc, hour_of_day) as place
    from zone_hours
)

select
    zones.zone_name,
    zones.borough_name as borough,
    cast(ranked.zone_trips as bigint) as trips,
    round(cast(ranked.zone_revenue as numeric) / cast(ranked.zone_trips as numeric), 2) as revenue_a_trip,
    cast(ranked.hour_of_day as integer) as busiest_hour
from ranked
inner join marts.dim_zones as zones on ranked.pickup_zone_id = zones.zone_id
where ranked.place = 1
order by ranked.zone_trips desc, zones.zone_name
limit 10
