-- Empty: the periods of one person's career are that person's.
select * from {{ ref('int_author_versions') }}
where false
