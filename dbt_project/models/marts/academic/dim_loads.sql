select
    -- ids
    source_name,

    -- numerics
    loaded_year,
    last_finished_year,

    -- dates
    loaded_date
from {{ ref('int_loads') }}
