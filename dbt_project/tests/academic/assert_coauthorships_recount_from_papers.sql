-- Decision: a collaboration is a kept paper, a roster author on it and another author on it, counted once.
with expected as (
    select
        papers.author_id,
        authorships.author_id as coauthor_id,
        authorships.publication_year,
        count(*) as collaboration_count
    from {{ ref('fct_papers') }} as papers
    inner join {{ ref('int_authorships') }} as authorships
        on
            papers.paper_id = authorships.work_id
            and papers.author_id != authorships.author_id
    group by papers.author_id, authorships.author_id, authorships.publication_year
),

found as (
    select
        author_id,
        coauthor_id,
        publication_year,
        collaboration_count
    from {{ ref('fct_coauthorships') }}
)

{{ find_differences('expected', 'found') }}
