-- Decision: loads merge on the key and never append, and nothing is ever deleted from raw.
with counts as (
    {{ all_sources('load_counts', ['resource', 'new_count']) }}
),

counted as (
    select
        source_name,
        resource,
        sum(new_count) as record_count
    from counts
    group by source_name, resource
),

documents as (
    {{ all_documents(['id']) }}
),

held as (
    select
        source_name,
        resource,
        count(*) as record_count
    from documents
    group by source_name, resource
)

select
    coalesce(held.source_name, counted.source_name) as source_name,
    coalesce(held.resource, counted.resource) as resource,
    held.record_count as held_count,
    counted.record_count as counted_count
from held
full join counted
    on
        held.source_name = counted.source_name
        and held.resource = counted.resource
where coalesce(held.record_count, 0) != coalesce(counted.record_count, 0)
