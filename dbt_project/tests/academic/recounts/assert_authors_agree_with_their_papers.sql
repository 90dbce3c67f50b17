-- Decision: the marts agree with each other; a roster author's papers in dim_authors are those of fct_papers,
-- and their h-index is the last one to date.
with papers as (
    select
        author_id,
        count(*) as paper_count,
        sum(cited_by_count) as paper_cited_by_count
    from {{ ref('fct_papers') }}
    group by author_id
),

h_indexes as (
    select
        author_id,
        max(h_index_to_date) as paper_h_index
    from {{ ref('fct_author_years') }}
    group by author_id
)

select authors.author_id
from {{ ref('dim_authors') }} as authors
left join papers on authors.author_id = papers.author_id
left join h_indexes on authors.author_id = h_indexes.author_id
where
    authors.is_roster
    and (
        authors.paper_count != coalesce(papers.paper_count, 0)
        or authors.paper_cited_by_count != coalesce(papers.paper_cited_by_count, 0)
        or authors.paper_h_index != coalesce(h_indexes.paper_h_index, 0)
    )
