{#
    A paper shows only what enough papers of enough people of its group share: these are its cell. It shows as much as
    it can: a paper without a large enough cell is compared again, with fewer columns, with the others that are left,
    and left out at last.
-#}
{%- set steps = [
    ['journal_name', 'source_type', 'language'],
    ['field_id'],
    ['oa_status'],
    ['citation_category'],
    ['is_open_access'],
] -%}
{%- set always_shown = ['group_id', 'publication_year', 'work_type'] -%}
with candidates as (
    select
        papers.paper_id,
        papers.author_id,
        papers.coauthor_count,
        memberships.group_id,
        works.publication_year,
        works.work_type,
        works.journal_name,
        works.source_type,
        works.language,
        topics.field_id,
        works.oa_status,
        works.is_open_access,
        ranked.citation_category
    from {{ ref('int_papers_deduplicated') }} as papers
    inner join {{ ref('pseudonymous_memberships') }} as memberships
        on papers.author_id = memberships.author_id
    inner join {{ ref('int_works') }} as works on papers.paper_id = works.work_id
    inner join {{ ref('int_papers_ranked') }} as ranked on papers.paper_id = ranked.paper_id
    left join {{ ref('int_topics') }} as topics on works.primary_topic_id = topics.topic_id
    -- a moved date in another year would reveal it
    where year(works.publication_date) = works.publication_year
),

{% for step in range(steps | length + 1) -%}
{%- set shown = always_shown + steps[step:] | sum(start=[]) -%}
measured_{{ step }} as (
    select
        *,
        count(distinct paper_id) over cell as paper_count,
        count(distinct author_id) over cell as person_count
    from {{ 'candidates' if step == 0 else 'left_' ~ (step - 1) }}
    window cell as (partition by {{ shown | join(', ') }})
),

shown_{{ step }} as (
    select
        paper_id,
        author_id,
        coauthor_count,
        {{ shown | join(',\n        ') }},
        {{ step }} as withheld_steps,
        paper_count,
        person_count
    from measured_{{ step }}
    where least(paper_count, person_count) >= {{ smallest_group() }}
),

left_{{ step }} as (
    select * exclude (paper_count, person_count)
    from measured_{{ step }}
    where least(paper_count, person_count) < {{ smallest_group() }}
),

{% endfor -%}

shown as (
    {% for step in range(steps | length + 1) -%}
    select * from shown_{{ step }}
    {% if not loop.last %}union all by name
    {% endif %}
    {%- endfor %}
),

papers as (
    select
        * exclude (author_id, coauthor_count),
        avg(coauthor_count) as coauthor_count
    from shown
    group by all
),

numbered as (
    select
        *,
        dense_rank() over (
            order by withheld_steps, {{ (always_shown + steps | sum(start=[])) | join(', ') }}
        ) as cell_number,
        pseudonymise('paper', concat_ws(' ', paper_id, group_id)) as pseudonym
    from papers
),

dated as (
    select
        numbered.cell_number,
        list(numbered.pseudonym order by numbered.pseudonym) as pseudonyms,
        move_dates(
            list(numbered.pseudonym order by numbered.pseudonym),
            list(works.publication_date order by numbered.pseudonym)
        ) as moved_dates
    from numbered
    inner join {{ ref('int_works') }} as works on numbered.paper_id = works.work_id
    group by numbered.cell_number
),

dates as (
    select
        unnest(pseudonyms) as pseudonym,
        unnest(moved_dates) as publication_date
    from dated
)

select
    -- ids
    numbered.paper_id,
    numbered.group_id,
    numbered.pseudonym,
    numbered.cell_number,
    numbered.field_id,

    -- text
    numbered.work_type,
    numbered.language,
    numbered.citation_category,
    numbered.oa_status,
    numbered.journal_name,
    numbered.source_type,

    -- numerics
    numbered.publication_year,
    numbered.withheld_steps,
    numbered.paper_count as cell_paper_count,
    numbered.person_count as cell_person_count,
    numbered.coauthor_count,

    -- booleans
    numbered.is_open_access,

    -- dates
    dates.publication_date
from numbered
inner join dates on numbered.pseudonym = dates.pseudonym
