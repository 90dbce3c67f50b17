-- Empty: the years in which a paper was cited reveal which paper it is.
select * from {{ ref('int_paper_citations') }}
where false
