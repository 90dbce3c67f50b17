-- Empty: where people work is theirs: with the year and the coauthor it tells who they are.
select * from {{ ref('int_institutions') }}
where false
