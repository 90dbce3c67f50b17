select
    cast(extract(hour from pickup_time) as integer) as hour_of_day,
    count(*) as trips,
    round(cast(avg(speed_mph) as numeric), 1) as mean_speed_mph,
    round(cast(avg(duration_minutes) as numeric), 1) as mean_minutes
from marts.fct_trips
group by extract(hour from pickup_time)
order by extract(hour from pickup_time)
