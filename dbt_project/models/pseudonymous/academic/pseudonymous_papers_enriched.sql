-- Empty: what Semantic Scholar says about a paper applies to few others.
select * from {{ ref('int_papers_enriched') }}
where false
