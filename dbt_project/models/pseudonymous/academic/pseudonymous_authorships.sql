-- A paper shows only the group that it is published for, not who wrote it or where.
with papers as (
    select
        pseudonym as work_id,
        group_id as author_id,
        group_id as author_name,
        publication_year,
        cast(1 as integer) as authorship_rank,
        false as is_corresponding,
        true as is_roster_author
    from {{ ref('pseudonymous_papers_generalised') }}
)

select * from {{ ref('int_authorships') }}
where false
union all by name
select * from papers
