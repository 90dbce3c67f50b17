-- Decision: of papers with one title, an author keeps one; a duplicate points to a paper that is kept.
with considered as (
    select * from {{ ref('int_papers_considered') }}
),

kept as (
    select * from considered
    where set_aside_reason is null
),

kept_twice as (
    select
        author_id,
        normalised_title
    from kept
    group by author_id, normalised_title
    having count(*) > 1
),

pointing_nowhere as (
    select
        considered.author_id,
        considered.normalised_title
    from considered
    left join kept
        on
            considered.author_id = kept.author_id
            and considered.kept_paper_id = kept.paper_id
    where
        considered.set_aside_reason = 'duplicate_title'
        and kept.paper_id is null
)

select * from kept_twice
union all
select * from pointing_nowhere
