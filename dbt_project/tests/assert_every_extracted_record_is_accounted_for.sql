-- Decision: every record is accounted for, per load and resource.
select *
from {{ source('openalex', 'load_counts') }}
where extracted_count != new_count + changed_count + unchanged_count + repeated_count + rejected_count
