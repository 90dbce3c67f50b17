"""OpenAlex: the roster's authors and all their works, with the institutions and topics these name."""

from loader.sources.openalex.run import load_openalex
from loader.sources.openalex.source import MODELS, STAGES, is_configured, openalex_source

__all__ = ["MODELS", "STAGES", "is_configured", "load_openalex", "openalex_source"]
