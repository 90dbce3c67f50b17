"""Candles by plain Python over the exchanges' own trades: the rules once more, to hold the marts against."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext
from typing import Any

from loader.samples.trades.market import SampleTrade

INTERVALS = (60, 3600, 86400)
Key = tuple[str, str, int, int]  # exchange, symbol, interval in seconds, begin in seconds since 1970


def compute_candles(
    trades: Mapping[tuple[str, str], Iterable[SampleTrade]], intervals: Iterable[int] = INTERVALS
) -> dict[Key, tuple[Any, ...]]:
    """Of each bucket with a trade: open, high, low, close, volume, quote volume, trades, units bought by takers.

    `trades` are those of each exchange and symbol.
    """
    buckets: dict[Key, list[SampleTrade]] = defaultdict(list)
    for (exchange, symbol), listed in trades.items():
        for trade in listed:
            for interval in intervals:
                buckets[exchange, symbol, interval, trade.at // 1_000_000 // interval * interval].append(trade)
    return {key: _compute_candle(listed) for key, listed in buckets.items()}


def carry(candles: Mapping[Key, tuple[Any, ...]]) -> dict[Key, tuple[Any, ...]]:
    """The candles, and one with the last close for each bucket without a trade, up to the last candle."""
    carried = dict(candles)
    for exchange, symbol, interval in {key[:3] for key in candles}:
        begins = sorted(key[3] for key in candles if key[:3] == (exchange, symbol, interval))
        close = None
        for begin in range(begins[0], begins[-1] + 1, interval):
            key = (exchange, symbol, interval, begin)
            if key in candles:
                close = candles[key][3]
            else:
                carried[key] = (close, close, close, close, Decimal(0), Decimal(0), 0, None)
    return carried


def _compute_candle(trades: list[SampleTrade]) -> tuple[Any, ...]:
    ordered = sorted(trades, key=lambda trade: (trade.at, trade.number))
    prices = [Decimal(trade.price) for trade in ordered]
    with localcontext() as context:
        context.prec = 60
        volume = sum((Decimal(trade.quantity) for trade in ordered), Decimal(0))
        quote = sum((Decimal(trade.price) * Decimal(trade.quantity) for trade in ordered), Decimal(0))
        bought = sum((Decimal(trade.quantity) for trade in ordered if trade.side == "buy"), Decimal(0))
    return prices[0], max(prices), min(prices), prices[-1], volume, quote, len(ordered), bought
