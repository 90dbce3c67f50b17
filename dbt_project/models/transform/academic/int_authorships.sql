-- OpenAlex lists an author twice on some works; position and institution are those of the first.
with authorships as (
    select listed.*
    from {{ ref('stg_openalex__authorships') }} as listed
    left join {{ ref('placeholder_authors') }} as placeholders on listed.author_id = placeholders.author_id
    where
        listed.author_id is not null
        and placeholders.author_id is null
),

works as (
    select * from {{ ref('int_works') }}
),

roster as (
    select * from {{ ref('stg_openalex__roster') }}
    where is_member
),

first_institutions as (
    select
        work_id,
        authorship_rank,
        institution_id
    from {{ ref('stg_openalex__authorship_institutions') }}
    where institution_rank = 1
),

merged as (
    select
        authorships.work_id,
        authorships.author_id,
        min_by(authorships.author_position, authorships.authorship_rank) as author_position,
        min_by(authorships.author_name, authorships.authorship_rank) as author_name,
        min_by(authorships.orcid, authorships.authorship_rank) as orcid,
        min_by(first_institutions.institution_id, authorships.authorship_rank) as institution_id,
        min(authorships.authorship_rank) as authorship_rank,
        bool_or(authorships.is_corresponding) as is_corresponding
    from authorships
    left join first_institutions
        on
            authorships.work_id = first_institutions.work_id
            and authorships.authorship_rank = first_institutions.authorship_rank
    group by authorships.work_id, authorships.author_id
)

select
    merged.work_id,
    merged.author_id,
    merged.institution_id,
    merged.author_name,
    merged.orcid,
    merged.author_position,
    works.publication_year,
    merged.authorship_rank,
    merged.is_corresponding,
    roster.author_id is not null as is_roster_author
from merged
inner join works on merged.work_id = works.work_id
left join roster on merged.author_id = roster.author_id
