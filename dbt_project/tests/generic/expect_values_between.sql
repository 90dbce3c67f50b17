{#
    Each column is within its range: `ranges` is {column: {min_value: …, max_value: …}}. Both bounds belong to the range;
    one that is left out lets every value pass. Null passes.
#}
{% test expect_values_between(model, ranges) -%}
{% for column, range in ranges.items() -%}
select
    '{{ column }}' as column_name,
    count(*) as value_outside_count
from {{ model }}
where
    {{ column }} < {{ range.get('min_value', column) }}
    or {{ column }} > {{ range.get('max_value', column) }}
having count(*) > 0
{% if not loop.last %}union all{% endif %}
{% endfor %}
{%- endtest %}
