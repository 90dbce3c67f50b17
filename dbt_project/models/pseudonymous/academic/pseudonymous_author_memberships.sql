-- Empty: a period in a department belongs to one person.
select * from {{ ref('int_author_memberships') }}
where false
