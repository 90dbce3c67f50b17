{# What happens before and after every dbt command that builds or tests, by target. #}
{% macro start_run() -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do prepare_operations() -%}
        {%- do ensure_raw_tables() -%}
        {%- if flags.WHICH in ['build', 'snapshot'] -%}
            {%- do restore_missing_history() -%}
        {%- endif -%}
        {%- do mark_nodes_running() -%}
    {%- elif _builds_or_tests() and target.type == 'postgres' -%}
        {%- do clear_next_marts() -%}
    {%- endif -%}
{%- endmacro %}

{% macro finish_run(results) -%}
    {%- if _builds_or_tests() and target.type == 'duckdb' -%}
        {%- do record_node_results(results) -%}
        {%- do record_domain_builds(results) -%}
        {%- if env_var('HEADWATER_HAND_OFF', '') -%}
            {# `headwater run` starts dbt once for both. #}
            {%- for sentence in hand_off(
                env_var('HEADWATER_HAND_OFF').split(','), env_var('HEADWATER_SHRINK_HISTORY', '') == 'true'
            ) -%}
                {%- do log(sentence, info=true) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- elif _builds_or_tests() and target.type == 'postgres' -%}
        {{ publish_marts(results) }}
    {%- endif -%}
{%- endmacro %}

{# After finish_run: dbt runs its statements after rendering them. #}
{% macro report_run(results) -%}
    {%- if _builds_or_tests() and target.type == 'postgres' -%}
        {%- do report_publication(results) -%}
    {%- endif -%}
{%- endmacro %}

{% macro _builds_or_tests() -%}
    {{ return(execute and flags.WHICH in ['build', 'run', 'test', 'seed', 'snapshot']) }}
{%- endmacro %}
