"""How records reach DuckDB: checked, counted, merged, and what is rejected kept."""
