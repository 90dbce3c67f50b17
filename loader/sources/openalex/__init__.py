"""OpenAlex: the roster's authors and all their works, with the institutions and topics these name."""

from loader.sources.openalex.run import estimate_openalex, load_openalex
from loader.sources.openalex.source import MODELS, is_configured, openalex_source

__all__ = ["MODELS", "estimate_openalex", "is_configured", "load_openalex", "openalex_source"]
