with careers as (
    select
        years.author_id,
        max(years.author_age) as author_age,
        max(years.h_index_to_date) as h_index_now,
        coalesce(max(years.h_index_to_date) filter (
            where years.publication_year <= loads.last_finished_year - 5
        ), 0) as h_index_before,
        coalesce(sum(years.paper_count) filter (
            where years.publication_year > loads.last_finished_year - 5
        ), 0) as papers_of_last_5_years
    from marts.fct_author_years as years
    inner join marts.dim_loads as loads on years.publication_year <= loads.last_finished_year
    group by years.author_id
)

select
    authors.author_name as researcher,
    authors.department,
    careers.author_age as academic_age,
    careers.papers_of_last_5_years,
    careers.h_index_before as h_index_5_years_before,
    careers.h_index_now
from careers
inner join marts.dim_authors as authors on careers.author_id = authors.author_id
order by
    careers.h_index_now - careers.h_index_before desc,
    careers.h_index_now desc,
    authors.author_name
limit 10
