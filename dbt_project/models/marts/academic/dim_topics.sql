select
    -- ids
    topic_id,
    subfield_id,
    field_id,
    domain_id,

    -- text
    topic_name,
    description,
    subfield_name,
    field_name,
    domain_name,

    -- numerics
    work_count
from {{ ref('int_topics') }}
