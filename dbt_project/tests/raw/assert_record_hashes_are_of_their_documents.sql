-- Decision: raw keeps the record as the source sent it, and a record is told to be unchanged by its hash.
with documents as (
    {{ all_documents(['id', 'record_hash', 'document']) }}
)

select
    source_name,
    resource,
    id,
    record_hash
from documents
where record_hash != sha256(cast(document as varchar))
