-- Decision: a symbol has A to Z, 0 to 9, _ and - alone, whatever an exchange calls its pair.
select
    exchange,
    symbol
from {{ ref('fct_market_quality') }}
where {{ "not regexp_matches(symbol, " if target.type == 'duckdb' else "not (symbol ~ " }}'^[A-Z0-9_-]+$')
