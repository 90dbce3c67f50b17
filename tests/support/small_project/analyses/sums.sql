select sum(number) as sum from {{ ref("numbers") }}
