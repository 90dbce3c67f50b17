-- Decision: an author has at most one version at any time, and only the newest can be current.
with versions as (
    select
        author_id,
        is_current,
        valid_from,
        valid_to,
        lead(valid_from) over history as next_valid_from
    from {{ ref('dim_author_versions') }}
    window history as (
        partition by author_id
        order by valid_from
    )
)

select *
from versions
where
    valid_to <= valid_from
    or valid_to > next_valid_from
    or (is_current and (valid_to is not null or next_valid_from is not null))
    or (not is_current and valid_to is null)
