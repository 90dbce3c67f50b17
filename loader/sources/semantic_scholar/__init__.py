"""Semantic Scholar: what it knows of the roster's papers, looked up by the DOIs that OpenAlex gives."""

from loader.sources.semantic_scholar.run import estimate_semantic_scholar, load_semantic_scholar
from loader.sources.semantic_scholar.source import MODELS, is_configured, semantic_scholar_source

__all__ = [
    "MODELS",
    "estimate_semantic_scholar",
    "is_configured",
    "load_semantic_scholar",
    "semantic_scholar_source",
]
