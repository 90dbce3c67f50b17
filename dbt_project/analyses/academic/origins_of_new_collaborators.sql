with meetings as (
    select
        coauthorships.coauthor_id,
        institutions.country_code,
        -- whom two colleagues met counts once, where the first of them did
        row_number() over (
            partition by coauthorships.coauthor_id
            order by coauthorships.publication_date, coauthorships.author_id
        ) as meeting
    from marts.fct_coauthorships as coauthorships
    inner join marts.dim_loads as loads
        on coauthorships.publication_year between loads.last_finished_year - 4 and loads.last_finished_year
    left join marts.dim_institutions as institutions
        on coauthorships.coauthor_institution_id = institutions.institution_id
    where
        coauthorships.is_new_collaboration
        and not coauthorships.is_roster_coauthor
        and not coauthorships.is_large_collaboration
)

select
    coalesce(country_code, 'unknown') as country,
    count(*) as new_collaborators,
    round(100.0 * count(*) / sum(count(*)) over (), 1) as percent_of_all
from meetings
where meeting = 1
group by country_code
order by new_collaborators desc, country
limit 10
