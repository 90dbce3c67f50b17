-- Empty: the periods of a career belong to one person.
select * from {{ ref('int_author_versions') }}
where false
