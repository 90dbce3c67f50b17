{# The columns together name a row once. #}
{% test expect_unique_combination(model, combination_of_columns) -%}
select
    {{ combination_of_columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ combination_of_columns | join(', ') }}
having count(*) > 1
{%- endtest %}
