{%- set amounts = [
    'fare', 'extra', 'mta_tax', 'tip', 'tolls', 'ehail', 'improvement', 'congestion', 'airport', 'cbd_congestion',
    'total',
] -%}
-- Every trip that raw has, with its key and the first rule of its own that it breaks.
-- The rules that compare trips are in int_trips_set_aside.
with trips as (
    select * from {{ ref('stg_taxi__trips') }}
),

zones as (
    select zone_id from {{ ref('stg_taxi__zones') }}
),

-- A vendor may have put a surcharge into extra, too: the total has it once. A cent is lost in rounding.
totals as (
    select
        *,
        total_amount - coalesce(fare_amount, 0) - coalesce(extra_amount, 0) - coalesce(mta_tax_amount, 0)
        - coalesce(tip_amount, 0) - coalesce(tolls_amount, 0) - coalesce(ehail_amount, 0)
        - coalesce(improvement_amount, 0) as surcharges_in_total,
        coalesce(congestion_amount, 0) as congestion,
        coalesce(airport_amount, 0) as airport,
        coalesce(cbd_congestion_amount, 0) as cbd
    from trips
)

select
    * exclude (surcharges_in_total, congestion, airport, cbd),
    cast(md5(concat_ws(
        '|',
        colour,
        coalesce(epoch_us(pickup_time), -1), coalesce(epoch_us(dropoff_time), -1),
        coalesce(vendor_id, -1),
        coalesce(rate_code_id, -1),
        coalesce(payment_type_id, -1),
        coalesce(trip_type_id, -1),
        coalesce(pickup_zone_id, -1), coalesce(dropoff_zone_id, -1),
        coalesce(passenger_count, -1), coalesce(cast(distance_miles as varchar), '-'),
        coalesce(store_and_forward_flag, '-'),
        {% for amount in amounts -%}
        coalesce(cast({{ amount }}_amount as varchar), '-'){{ ',' if not loop.last }}
        {% endfor -%}
    )) as uuid) as trip_key,
    case
        when pickup_time is null or dropoff_time is null then 'without_time'
        when dropoff_time < pickup_time then 'dropped_off_before_pickup'
        when pickup_time < month_start or pickup_time >= month_start + interval 1 month then 'outside_month'
        when dropoff_time - pickup_time > interval 24 hours then 'longer_than_24_hours'
        when
            distance_miles * 3600 > 100 * date_diff('second', pickup_time, dropoff_time)
            then 'faster_than_100_mph'
        when coalesce(distance_miles, 0) <= 0 then 'zero_distance'
        when not coalesce(
            pickup_zone_id in (select zones.zone_id from zones)
            and dropoff_zone_id in (select zones.zone_id from zones), false
        ) then 'unknown_zone'
        when fare_amount < 0 then 'negative_fare'
        when coalesce(least(
            abs(surcharges_in_total),
            abs(surcharges_in_total - congestion),
            abs(surcharges_in_total - airport),
            abs(surcharges_in_total - cbd), abs(surcharges_in_total - congestion - airport),
            abs(surcharges_in_total - congestion - cbd), abs(surcharges_in_total - airport - cbd),
            abs(surcharges_in_total - congestion - airport - cbd)
        ), 1) > 0.01 then 'wrong_total'
    end as broken_rule
from totals
