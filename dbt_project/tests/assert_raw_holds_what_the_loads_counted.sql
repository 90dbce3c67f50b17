-- Decision: loads merge on the key and never append, and nothing is ever deleted from raw.
with counted as (
    select
        resource,
        sum(new_count) as record_count
    from {{ source('openalex', 'load_counts') }}
    group by resource
),

held as (
    {% for resource in ['roster', 'authors', 'works', 'institutions', 'topics'] %}
    select
        '{{ resource }}' as resource,
        count(*) as record_count
    from {{ source('openalex', resource) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    held.resource,
    held.record_count as held_count,
    counted.record_count as counted_count
from held
left join counted on held.resource = counted.resource
where held.record_count != coalesce(counted.record_count, 0)
