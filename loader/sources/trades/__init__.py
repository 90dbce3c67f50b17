"""Trades of three exchanges: read on live, and backfilled day by day."""

from loader.sources.trades.source import SOURCE

__all__ = ["SOURCE"]
