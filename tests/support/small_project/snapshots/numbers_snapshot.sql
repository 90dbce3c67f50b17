{% snapshot numbers_snapshot %}
{{ config(unique_key="number", strategy="check", check_cols="all") }}
select number from {{ ref("numbers") }}
{% endsnapshot %}
