"""Semantic Scholar: what it knows of the roster's papers, looked up by the DOIs that OpenAlex gives."""

from loader.sources.semantic_scholar.source import SOURCE

__all__ = ["SOURCE"]
