"""Semantic Scholar: what it knows of the roster's papers, looked up by the DOIs that OpenAlex gives."""

from loader.sources.semantic_scholar.source import MODELS, STAGES, is_configured, semantic_scholar_source

__all__ = ["MODELS", "STAGES", "is_configured", "semantic_scholar_source"]
