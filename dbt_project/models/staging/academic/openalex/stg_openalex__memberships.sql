with source as (
    select * from {{ ref('base_openalex__roster') }}
    where member.is_member
),

-- a record of an earlier version has one department and no periods
completed as (
    select
        author_id,
        coalesce(member.memberships, [{
            'department': member.department,
            'college': member.college,
            'position': member.position,
            'member_from': cast(null as date),
            'member_until': cast(null as date)
        }]) as memberships
    from source
),

unnested as (
    select
        author_id,
        unnest(memberships) as membership,
        generate_subscripts(memberships, 1) as membership_rank
    from completed
),

renamed as (
    select
        -- ids
        author_id,

        -- text
        membership.department as department,
        membership.college as college,
        membership.position as position,

        -- numerics
        cast(membership_rank as integer) as membership_rank,

        -- dates
        membership.member_from as member_from,
        membership.member_until as member_until
    from unnested
)

select * from renamed
