-- Empty: a paper that a rule leaves out is one of few.
select * from {{ ref('int_papers_set_aside') }}
where false
