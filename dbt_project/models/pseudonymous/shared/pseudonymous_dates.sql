-- Only years that what is published refers to: a mistaken year would tell whose record it is.
{{ config(materialized='view') }}

{{ list_days("select year_number from " ~ source('operations', 'years_in_use')
    ~ " where relation_name like 'pseudonymous.%'") }}
