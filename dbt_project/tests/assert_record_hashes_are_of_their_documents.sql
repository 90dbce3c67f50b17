-- Decision: raw keeps the record as the source sent it, and a record is told to be unchanged by its hash.
{% for resource in ['roster', 'authors', 'works', 'institutions', 'topics'] %}
select
    '{{ resource }}' as resource,
    id,
    record_hash
from {{ source('openalex', resource) }}
where record_hash != sha256(cast(document as varchar))
{% if not loop.last %}union all{% endif %}
{% endfor %}
