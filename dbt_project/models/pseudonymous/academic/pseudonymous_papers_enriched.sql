-- Empty: nothing that Semantic Scholar says of a paper is said of many.
select * from {{ ref('int_papers_enriched') }}
where false
