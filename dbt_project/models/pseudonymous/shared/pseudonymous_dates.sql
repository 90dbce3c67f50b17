-- Only years that published rows refer to: a wrong year would reveal whose record it is.
{{ config(materialized='view') }}

{{ list_days("select year_number from " ~ source('operations', 'years_in_use')
    ~ " where relation_name like 'pseudonymous.%'") }}
