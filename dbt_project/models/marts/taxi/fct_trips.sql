-- A view in DuckDB: the rows are in int_trips_checked.
{{ config(materialized='view' if target.type == 'duckdb' else 'table') }}

select
    -- ids
    trip_key,
    pickup_zone_id,
    dropoff_zone_id,

    -- text
    colour,
    pickup_borough,
    dropoff_borough,
    vendor_name,
    rate_code_name,
    payment_name,

    -- numerics
    passenger_count,
    distance_miles,
    fare_amount,
    tip_amount,
    tolls_amount,
    total_amount,
    duration_minutes,
    speed_mph,
    fare_per_mile,
    tip_share,

    -- booleans
    is_stored_and_forwarded,
    is_airport_trip,
    is_in_congestion_zone,
    has_passenger_count,

    -- times
    pickup_time,
    dropoff_time
from {{ ref('int_trips') }}
