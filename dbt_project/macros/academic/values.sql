{# Markup and entities out of a title; white space folded. An ampersand may have been escaped more than once. #}
{% macro strip_markup(column) -%}
    trim(regexp_replace(regexp_replace(
        replace(replace(replace(replace(replace(regexp_replace({{ column }}, '&(amp;)+', '&', 'g')
            , '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&#39;', ''''), '&nbsp;', ' '),
        '</?[a-zA-Z][^<>]*>', '', 'g'), '\s+', ' ', 'g'))
{%- endmacro %}

{# What two spellings of one title share: its letters (with their marks) and digits, in lower case. #}
{% macro normalise_title(column) -%}
    coalesce(
        nullif(trim(regexp_replace(lower(nfc_normalize({{ column }})), '[^\p{L}\p{M}\p{N}]+', ' ', 'g')), ''),
        lower({{ column }})
    )
{%- endmacro %}

{#
    A title as words between blanks, in lower case, for the patterns of titles_set_aside: `#` is a number or a letter that
    counts (2, S1, IV, A), `:` a colon; other punctuation is dropped.
#}
{% macro split_words(title) -%}
    ' ' || array_to_string(
        list_transform(
            regexp_extract_all(nfc_normalize({{ title }}), '[\p{L}\p{M}\p{N}]+|:'),
            lambda word: if(
                regexp_full_match(word, '[A-Za-z]?[0-9]+[A-Za-z]?|[IVX]+|[A-Z]'), '#', lower(word)
            )
        ),
        ' '
    ) || ' '
{%- endmacro %}

{# Whether a paper has so many authors that sharing it says little about a collaboration. #}
{% macro is_large(authorship_count) -%}
    {{ authorship_count }} > 25
{%- endmacro %}

{# OpenAlex sends an abstract as word -> positions. #}
{% macro rebuild_abstract(inverted_index) -%}
    array_to_string(
        list_transform(
            list_sort(flatten(list_transform(
                map_entries({{ inverted_index }}),
                lambda entry: list_transform(
                    entry.value, lambda place: {'place': place, 'word': entry.key}
                )
            ))),
            lambda placed: placed.word
        ),
        ' '
    )
{%- endmacro %}

{# An academic age; null before the first year, which then is wrong, or the authorship is. #}
{% macro find_age(year, first_year) -%}
    case when {{ year }} >= {{ first_year }} then {{ year }} - {{ first_year }} end
{%- endmacro %}

{# A coauthor more than seven years younger or older in publications; unknown where an age is. #}
{% macro categorise_age_difference(difference) -%}
    case
        when {{ difference }} > 7 then 'younger'
        when {{ difference }} < -7 then 'older'
        when {{ difference }} is null then 'unknown'
        else 'same'
    end
{%- endmacro %}

{# How often a paper is cited, in words, from its citations and their percentile among all papers. #}
{% macro categorise_citations(count, percentile) -%}
    case
        when {{ count }} = 0 then 'uncited'
        when {{ percentile }} <= 50 then 'low_impact'
        when {{ percentile }} <= 80 then 'medium_impact'
        when {{ percentile }} <= 95 then 'high_impact'
        else 'very_high_impact'
    end
{%- endmacro %}

{# The name in a DOI that is written as an address, in lower case: DOIs ignore case. The loader renders this macro too. #}
{% macro name_doi(column) -%}
    lower(regexp_replace({{ column }}, '^https?://(dx\.)?doi\.org/', '', 'i'))
{%- endmacro %}

{# A list of names as text, each once, sorted alphabetically. #}
{% macro join_names(names) -%}
    array_to_string(list_sort(list_distinct({{ names }})), '; ')
{%- endmacro %}
