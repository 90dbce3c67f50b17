-- What is not named here is withheld. Numbers are means of the cell, so that its papers look alike.
{{ config(post_hook="{{ note_years('publication_year') }}") }}

with papers as (
    select * from {{ ref('pseudonymous_papers_generalised') }}
),

works as (
    select * from {{ ref('int_works') }}
),

loads as (
    select * from {{ ref('int_loads') }}
),

averaged as (
    select
        papers.pseudonym as work_id,
        pseudonymise('field', papers.field_id) as primary_topic_id,
        pseudonymise('doi', papers.pseudonym) as doi,
        pseudonymise('title', papers.pseudonym) as title,
        papers.work_type,
        papers.language,
        papers.oa_status,
        papers.journal_name,
        papers.source_type,
        papers.publication_year,
        cast(round({{ mean_of_cell('works.cited_by_count') }}) as bigint) as cited_by_count,
        {{ mean_of_cell('works.fwci') }} as fwci,
        {{ mean_of_cell('works.openalex_citation_percentile') }} as openalex_citation_percentile,
        cast(round({{ mean_of_cell('works.authorship_count') }}) as integer) as authorship_count,
        cast(round({{ mean_of_cell('works.countries_distinct_count') }}) as integer)
            as countries_distinct_count,
        cast(round({{ mean_of_cell('works.institutions_distinct_count') }}) as integer)
            as institutions_distinct_count,
        cast(round({{ mean_of_cell('works.locations_count') }}) as integer) as locations_count,
        cast(round({{ mean_of_cell('works.referenced_works_count') }}) as integer) as referenced_works_count,
        papers.is_open_access,
        -- the true day would be told; the year is shown anyway
        papers.publication_year > loads.loaded_year as is_future_dated,
        bool_and(works.is_authors_truncated) over cell as is_authors_truncated,
        papers.publication_date,
        pseudonymise('load', papers.pseudonym) as load_id,
        pseudonymise('record', papers.pseudonym) as record_hash
    from papers
    inner join works on papers.paper_id = works.work_id
    cross join loads
    window cell as (partition by papers.cell_number)
)

select * from works
where false
union all by name
select
    *,
    {{ is_large('authorship_count') }} as is_large_collaboration
from averaged
