with considered as (
    select * from {{ ref('int_papers_considered') }}
    where set_aside_reason is not null
)

select
    paper_id,
    author_id,
    kept_paper_id,
    set_aside_reason,
    title_pattern
from considered
