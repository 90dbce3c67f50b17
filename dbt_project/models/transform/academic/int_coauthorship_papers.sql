-- What int_coauthorships counts, paper by paper; a test holds the two against each other.
with papers as (
    select * from {{ ref('int_papers_deduplicated') }}
),

authorships as (
    select * from {{ ref('int_authorships') }}
)

select
    papers.author_id,
    authorships.author_id as coauthor_id,
    papers.paper_id,
    cast(authorships.publication_year as integer) as publication_year
from papers
inner join authorships
    on
        papers.paper_id = authorships.work_id
        and papers.author_id != authorships.author_id
