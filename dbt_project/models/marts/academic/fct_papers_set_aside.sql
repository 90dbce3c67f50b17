{{ config(indexes=[
    {'columns': ['author_id']},
    {'columns': ['publication_date']},
] if target.type == 'postgres' else []) }}

select
    -- ids
    set_aside.paper_id,
    set_aside.author_id,
    set_aside.kept_paper_id,

    -- text
    set_aside.set_aside_reason,
    set_aside.title_pattern,
    works.title,
    works.doi,
    works.work_type,

    -- numerics
    works.publication_year,
    works.cited_by_count,

    -- dates
    works.publication_date,

    -- where the record came from
    works.load_id,
    works.record_hash
from {{ ref('int_papers_set_aside') }} as set_aside
inner join {{ ref('int_works') }} as works on set_aside.paper_id = works.work_id
