with papers as (
    select
        pseudonym as paper_id,
        group_id as author_id,
        cast(round({{ mean_of_cell('coauthor_count') }}) as integer) as coauthor_count
    from {{ ref('pseudonymous_papers_generalised') }}
    window cell as (partition by cell_number)
)

select * from {{ ref('int_papers_deduplicated') }}
where false
union all by name
select * from papers
