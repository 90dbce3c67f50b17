select
    cast(i as bigint) as row_id,
    'name ' || md5(cast(i as varchar)) as row_name,
    cast(i % 1000 as integer) as group_number,
    random() * 1000 as score,
    cast(i * 1.37 as double) as amount,
    i % 3 = 0 as is_third,
    date '2020-01-01' + cast(i % 2000 as integer) as happened_date,
    cast(timestamp '2024-01-01' + interval (i) second as timestamptz) as happened_at,
    case when i % 7 = 0 then null else 'text ' || (i % 5000) end as note,
    'https://openalex.org/W' || i as url,
    '{"a": ' || i || '}' as document,
    cast(i % 97 as integer) as small_number
from range({{ var('rows') }}) as numbers(i)
