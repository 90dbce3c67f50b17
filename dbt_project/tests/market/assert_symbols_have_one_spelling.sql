-- Decision: a symbol has A to Z, 0 to 9, _ and - alone, whatever an exchange calls its pair.
select
    exchange,
    symbol
from {{ ref('fct_market_quality') }}
where {{ 'not regexp_full_match(symbol, \'[A-Z0-9_-]+\')' if target.type == 'duckdb' else 'symbol !~ \'^[A-Z0-9_-]+$\'' }}
