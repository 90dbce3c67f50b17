select
    row_id,
    row_name,
    group_number,
    score,
    amount,
    is_third,
    happened_date,
    happened_at,
    note,
    url,
    document,
    small_number
from {{ ref('int_rows') }}
