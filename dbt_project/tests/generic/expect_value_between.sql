{# Both bounds belong to the range; one that is left out lets every value pass. Null passes. #}
{% test expect_value_between(model, column_name, min_value=none, max_value=none) -%}
select
    {{ column_name }} as value_outside
from {{ model }}
where
    {{ column_name }} < {{ column_name if min_value is none else min_value }}
    or {{ column_name }} > {{ column_name if max_value is none else max_value }}
{%- endtest %}
