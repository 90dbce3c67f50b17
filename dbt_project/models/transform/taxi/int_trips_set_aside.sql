-- Of a trip that breaks several rules, the first in the order of the seed taxi_rules counts.
with trips as (
    select * from {{ ref('int_trips_checked') }}
),

repeated_keys as (
    select trip_key
    from trips
    group by trip_key
    having count(*) > 1
),

-- A trip that is in the file of its month is kept before one that is not.
copies as (
    select
        trips.file_name,
        trips.row_number
    from trips
    inner join repeated_keys on trips.trip_key = repeated_keys.trip_key
    qualify row_number() over (
        partition by trips.trip_key
        order by trips.broken_rule is not null, trips.file_name, trips.row_number
    ) > 1
),

kept_once as (
    select trips.*
    from trips
    anti join copies on trips.file_name = copies.file_name and trips.row_number = copies.row_number
),

-- The n-th negative trip voids the n-th positive one that it mirrors.
numbered as (
    select
        *,
        row_number() over (
            partition by
                colour,
                pickup_time,
                dropoff_time,
                pickup_zone_id,
                dropoff_zone_id,
                distance_miles,
                fare_amount,
                total_amount
            order by file_name, row_number
        ) as place
    from kept_once
    -- few trips begin when one with a negative fare does
    where pickup_time in (
        select returned.pickup_time from kept_once as returned
        where returned.fare_amount < 0
    )
),

negatives as (
    select * from numbered
    where fare_amount < 0
),

positives as (
    select * from numbered
    where fare_amount > 0
),

pairs as (
    select
        negatives.file_name as negative_file_name,
        negatives.row_number as negative_row_number,
        positives.file_name as positive_file_name,
        positives.row_number as positive_row_number
    from negatives
    inner join positives
        on
            negatives.colour = positives.colour
            and negatives.pickup_time = positives.pickup_time
            and negatives.dropoff_time = positives.dropoff_time
            and negatives.pickup_zone_id is not distinct from positives.pickup_zone_id
            and negatives.dropoff_zone_id is not distinct from positives.dropoff_zone_id
            and negatives.distance_miles is not distinct from positives.distance_miles
            and negatives.fare_amount = -positives.fare_amount
            and negatives.total_amount = -positives.total_amount
            and negatives.place = positives.place
),

compared as (
    select
        file_name,
        row_number,
        'copied' as reason
    from copies

    union all

    select
        negative_file_name as file_name,
        negative_row_number as row_number,
        'voided' as reason
    from pairs

    union all

    select
        positive_file_name as file_name,
        positive_row_number as row_number,
        'voided' as reason
    from pairs
)

select
    file_name,
    row_number,
    reason
from compared

union all

select
    trips.file_name,
    trips.row_number,
    trips.broken_rule as reason
from trips
anti join compared on trips.file_name = compared.file_name and trips.row_number = compared.row_number
where trips.broken_rule is not null
