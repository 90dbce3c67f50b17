"""Trips of New York's yellow and green taxis, by the files of the Taxi and Limousine Commission (TLC)."""

from loader.sources.taxi.source import SOURCE

__all__ = ["SOURCE"]
