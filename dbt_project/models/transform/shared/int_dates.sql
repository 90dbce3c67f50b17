-- Whole years: those that a mart refers to, and those between two of them that are less than a century apart.
{{ config(materialized='view') }}

{{ list_days("select year_number from " ~ source('operations', 'years_in_use')
    ~ " where relation_name like 'marts.%'") }}
