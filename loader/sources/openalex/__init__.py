"""OpenAlex: the roster's authors and all their works, with the institutions and topics these name."""

from loader.sources.openalex.source import STAGES, is_configured, openalex_source

__all__ = ["STAGES", "is_configured", "openalex_source"]
