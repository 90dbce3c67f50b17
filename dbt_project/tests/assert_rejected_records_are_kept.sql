-- Decision: a record that cannot be loaded is kept whole, and a replayed one is in raw.
with counted as (
    select
        resource,
        sum(rejected_count) as rejected_count
    from {{ source('openalex', 'load_counts') }}
    group by resource
),

kept as (
    select
        resource,
        count(*) as kept_count
    from {{ source('openalex', 'rejected_records') }}
    group by resource
),

raw_keys as (
    {% for resource in ['roster', 'authors', 'works', 'institutions', 'topics'] %}
    select
        '{{ resource }}' as resource,
        id
    from {{ source('openalex', resource) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    counted.resource,
    'not kept' as fault
from counted
left join kept on counted.resource = kept.resource
where
    (counted.rejected_count > 0 and kept.kept_count is null)
    or kept.kept_count > counted.rejected_count

union all

select
    replays.resource,
    'replayed and not in raw' as fault
from {{ source('openalex', 'replays') }} as replays
left join raw_keys on replays.resource = raw_keys.resource and replays.record_id = raw_keys.id
where raw_keys.id is null
