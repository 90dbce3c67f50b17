-- Empty: the groups that share a paper would join its pseudonyms, and few papers have the same coauthors.
select * from {{ ref('int_coauthorship_papers') }}
where false
