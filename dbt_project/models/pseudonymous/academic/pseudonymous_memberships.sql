-- A pseudonym stands for people whose first publication years are in one decade; people on the roster and
-- others are grouped apart. A decade with too few is joined with those after it, the last one with those
-- before it.
with recursive people as (
    select
        author_id,
        is_roster,
        first_publication_year // 10 * 10 as decade
    from {{ ref('int_authors') }}
),

decades as (
    select
        is_roster,
        decade,
        count(*) as person_count,
        row_number() over (partition by is_roster order by decade) as place
    from people
    where decade is not null
    group by is_roster, decade
),

joined_onwards as (
    select
        is_roster,
        decade,
        place,
        decade as first_decade,
        person_count as person_count_so_far
    from decades
    where place = 1
    union all
    select
        decades.is_roster,
        decades.decade,
        decades.place,
        case
            when earlier.person_count_so_far >= {{ smallest_group() }} then decades.decade
            else earlier.first_decade
        end as first_decade,
        case
            when earlier.person_count_so_far >= {{ smallest_group() }} then decades.person_count
            else earlier.person_count_so_far + decades.person_count
        end as person_count_so_far
    from joined_onwards as earlier
    inner join decades
        on
            earlier.is_roster = decades.is_roster
            and earlier.place + 1 = decades.place
),

spans as (
    select
        is_roster,
        first_decade,
        max(person_count_so_far) as person_count,
        lag(first_decade) over (partition by is_roster order by first_decade) as earlier_first_decade
    from joined_onwards
    group by is_roster, first_decade
),

joined as (
    select
        joined_onwards.is_roster,
        joined_onwards.decade,
        case
            when spans.person_count < {{ smallest_group() }}
                then coalesce(spans.earlier_first_decade, spans.first_decade)
            else spans.first_decade
        end as first_decade
    from joined_onwards
    inner join spans
        on
            joined_onwards.is_roster = spans.is_roster
            and joined_onwards.first_decade = spans.first_decade
),

grouped as (
    select
        people.author_id,
        people.is_roster,
        cast(joined.first_decade as integer) as first_year,
        max(joined.decade) over of_group + 9 as last_year,
        count(*) over of_group as person_count
    from people
    left join joined
        on
            people.is_roster = joined.is_roster
            and people.decade = joined.decade
    window of_group as (partition by people.is_roster, joined.first_decade)
),

labelled as (
    select
        *,
        concat_ws(' ', if(is_roster, 'roster', 'outside'), first_year, last_year) as group_label
    from grouped
    where person_count >= {{ smallest_group() }}
)

select
    author_id,
    pseudonymise('group', group_label) as group_id,
    group_label,
    first_year,
    person_count,
    {{ smallest_group() }} as smallest_group,
    is_roster
from labelled
