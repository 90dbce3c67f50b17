select
    -- ids
    author_id,
    orcid,
    last_known_institution_id,

    -- text
    author_name,
    department,
    college,
    position,
    group_url,
    last_institution_source,
    first_year_source,

    -- numerics
    first_publication_year,
    last_publication_year,
    work_count,
    paper_count,
    cited_by_count,
    paper_cited_by_count,
    h_index,
    paper_h_index,
    openalex_work_count,
    openalex_cited_by_count,
    openalex_h_index,
    group_size,

    -- booleans
    is_roster,
    is_first_year_given,
    has_research_group,
    is_professor
from {{ ref('int_authors') }}
