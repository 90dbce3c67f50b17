-- The fields that papers are published with: OpenAlex's 26, so their names are shown and nothing below them.
with papers as (
    select
        field_id,
        cast(count(*) as integer) as work_count
    from {{ ref('pseudonymous_papers_generalised') }}
    where field_id is not null
    group by field_id
),

names as (
    select
        field_id,
        max(field_name) as field_name,
        max(domain_name) as domain_name
    from {{ ref('int_topics') }}
    group by field_id
),

fields as (
    select
        pseudonymise('field', papers.field_id) as topic_id,
        coalesce(names.field_name, pseudonymise('field', papers.field_id)) as topic_name,
        names.field_name,
        names.domain_name,
        papers.work_count
    from papers
    inner join names on papers.field_id = names.field_id
)

select * from {{ ref('int_topics') }}
where false
union all by name
select * from fields
