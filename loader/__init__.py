"""Loads public APIs, files and databases into the warehouse, and carries the marts to Postgres."""
