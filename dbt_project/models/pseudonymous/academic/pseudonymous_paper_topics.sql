-- A topic is rare enough to tell the paper: only the field of the first one is told, where the cell tells it.
with papers as (
    select
        pseudonym as paper_id,
        pseudonymise('field', field_id) as topic_id,
        cast(1 as integer) as topic_rank
    from {{ ref('pseudonymous_papers_told_apart') }}
    where field_id is not null
)

select * from {{ ref('int_paper_topics') }}
where false
union all by name
select * from papers
