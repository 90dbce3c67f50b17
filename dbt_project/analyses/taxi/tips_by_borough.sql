select
    pickup_borough as borough,
    count(*) as trips_paid_by_card,
    round(cast(100 * avg(tip_share) as numeric), 1) as percent_tip,
    round(100.0 * sum(case when tip_amount = 0 then 1 else 0 end) / count(*), 1) as percent_without_tip,
    round(cast(avg(fare_per_mile) as numeric), 2) as mean_fare_a_mile
from marts.fct_trips
where payment_name = 'Credit card'
group by pickup_borough
order by count(*) desc, pickup_borough
