{# The rows that only one of two queries has; none when both are the same. For singular tests. #}
{% macro find_differences(expected, found) -%}
select 'missing' as difference, missing.*
from (select * from {{ expected }} except all select * from {{ found }}) as missing
union all
select 'unexpected' as difference, unexpected.*
from (select * from {{ found }} except all select * from {{ expected }}) as unexpected
{%- endmacro %}
