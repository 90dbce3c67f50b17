-- A topic is rare enough to reveal the paper: only the field of the first one is shown, if the cell shows it.
with papers as (
    select
        pseudonym as paper_id,
        pseudonymise('field', field_id) as topic_id,
        cast(1 as integer) as topic_rank
    from {{ ref('pseudonymous_papers_generalised') }}
    where field_id is not null
)

select * from {{ ref('int_paper_topics') }}
where false
union all by name
select * from papers
