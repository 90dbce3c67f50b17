"""OpenAlex: the roster's authors and all their works, with the institutions and topics these name."""

from loader.sources.openalex.source import SOURCE

__all__ = ["SOURCE"]
