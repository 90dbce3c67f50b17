-- Empty: where people work, with the year and the coauthor, reveals who they are.
select * from {{ ref('int_institutions') }}
where false
