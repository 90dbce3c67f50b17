-- Of a paper only the group is told that it is published for, and nothing of who wrote it where.
with papers as (
    select
        pseudonym as work_id,
        group_id as author_id,
        group_id as author_name,
        publication_year,
        cast(1 as integer) as authorship_rank,
        false as is_corresponding,
        true as is_roster_author
    from {{ ref('pseudonymous_papers_told_apart') }}
)

select * from {{ ref('int_authorships') }}
where false
union all by name
select * from papers
