with source as (
    select * from {{ ref('base_openalex__roster') }}
),

renamed as (
    select
        -- ids
        author_id,
        member.orcid as orcid,

        -- text
        member.display_name as author_name,
        member.group_url as group_url,

        -- numerics
        member.first_publication_year as first_publication_year,
        member.group_size as group_size,

        -- booleans
        member.has_research_group as has_research_group,
        member.is_professor as is_professor,
        member.is_member as is_member,

        -- where the record came from
        load_id,
        record_hash
    from source
)

select * from renamed
