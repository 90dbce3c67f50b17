-- Every work of a roster author, with the reason if it is set aside.
with works as (
    select * from {{ ref('int_works') }}
),

authorships as (
    select * from {{ ref('int_authorships') }}
    where is_roster_author
),

roster as (
    select * from {{ ref('stg_openalex__roster') }}
),

patterns as (
    select * from {{ ref('titles_set_aside') }}
),

words as (
    select
        work_id,
        {{ split_words('title') }} as title_words
    from works
),

works_by_pattern as (
    select
        words.work_id,
        min(patterns.pattern) as pattern
    from words
    inner join patterns
        on
            (patterns.match = 'is' and words.title_words = ' ' || patterns.pattern || ' ')
            or (
                patterns.match = 'begins_with'
                and starts_with(words.title_words, ' ' || patterns.pattern || ' ')
            )
            or (patterns.match = 'contains' and contains(words.title_words, ' ' || patterns.pattern || ' '))
    group by words.work_id
),

judged as (
    select
        works.work_id as paper_id,
        authorships.author_id,
        {{ normalise_title('works.title') }} as normalised_title,
        works.publication_date,
        works.cited_by_count,
        works_by_pattern.pattern as title_pattern,
        case
            when works.exclusion_reason is not null then works.exclusion_reason
            when works.publication_year < roster.first_publication_year then 'before_first_publication_year'
            when works_by_pattern.pattern is not null then 'title_pattern'
        end as rule
    from works
    inner join authorships on works.work_id = authorships.work_id
    inner join roster on authorships.author_id = roster.author_id
    left join works_by_pattern on works.work_id = works_by_pattern.work_id
),

ranked as (
    select
        *,
        first_value(paper_id) over same_title as best_paper_id
    from judged
    window same_title as (
        partition by author_id, normalised_title, rule
        order by publication_date desc, cited_by_count desc, paper_id
    )
)

select
    paper_id,
    author_id,
    normalised_title,
    title_pattern,
    case when rule is null then best_paper_id end as kept_paper_id,
    case
        when rule is not null then rule
        when paper_id != best_paper_id then 'duplicate_title'
    end as set_aside_reason
from ranked
