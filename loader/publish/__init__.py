"""How marts are built and reach Postgres: dbt, the handoff and the server."""
