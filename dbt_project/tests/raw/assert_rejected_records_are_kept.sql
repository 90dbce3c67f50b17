-- Decision: a record that cannot be loaded is kept whole, and a replayed one is in raw.
with counts as (
    {{ all_sources('load_counts', ['resource', 'rejected_count']) }}
),

counted as (
    select
        source_name,
        resource,
        sum(rejected_count) as rejected_count
    from counts
    group by source_name, resource
),

rejects as (
    {{ all_sources('rejected_records', ['resource']) }}
),

kept as (
    select
        source_name,
        resource,
        count(*) as kept_count
    from rejects
    group by source_name, resource
),

replays as (
    {{ all_sources('replays', ['resource', 'record_id']) }}
),

documents as (
    {{ all_documents(['id']) }}
)

select
    counted.source_name,
    counted.resource,
    'not kept' as fault
from counted
left join kept
    on
        counted.source_name = kept.source_name
        and counted.resource = kept.resource
where
    (counted.rejected_count > 0 and kept.kept_count is null)
    or kept.kept_count > counted.rejected_count

union all

select
    replays.source_name,
    replays.resource,
    'replayed and not in raw' as fault
from replays
left join documents
    on
        replays.source_name = documents.source_name
        and replays.resource = documents.resource
        and replays.record_id = documents.id
where documents.id is null
