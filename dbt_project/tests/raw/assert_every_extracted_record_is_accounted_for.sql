-- Decision: every record is accounted for, per source, load and resource.
with counts as (
    {{ all_sources('load_counts', [
        '_dlt_load_id', 'resource', 'extracted_count',
        'new_count', 'changed_count', 'unchanged_count', 'repeated_count', 'rejected_count',
    ]) }}
)

select *
from counts
where extracted_count != new_count + changed_count + unchanged_count + repeated_count + rejected_count
