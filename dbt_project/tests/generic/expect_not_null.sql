{#
    None of the columns is null in any row. One test for a table, since dbt takes longer to start a test than to
    run it.
#}
{% test expect_not_null(model, columns) -%}
{% for column in columns -%}
select
    '{{ column }}' as column_name,
    count(*) as null_count
from {{ model }}
where {{ column }} is null
having count(*) > 0
{% if not loop.last %}union all{% endif %}
{% endfor %}
{%- endtest %}
