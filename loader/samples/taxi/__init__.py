"""Sample trip files in every known schema, and a server of files."""
