"""Reads on from where each pair was read to, and commits within seconds."""

import time
from collections.abc import Iterator, Mapping, Sequence

from loader.base.errors import HeadwaterError
from loader.raw.changes import read_positions
from loader.raw.series import RowPage
from loader.sources.contract import Batch, Plan, SourceRun
from loader.sources.trades.exchange import BannedError, Exchange, Head
from loader.sources.trades.gaps import GapFinder
from loader.sources.trades.settings import TradesSettings
from loader.sources.trades.symbols import Pair

# A load that reads no longer than this is committed within ten seconds.
_READING_SECONDS = 5.0

Run = SourceRun[TradesSettings]


def plan_live(run: Run, exchanges: Mapping[str, Exchange], pairs: Sequence[Pair]) -> Plan:
    """Loads of a few seconds each, until there is no newer trade."""
    reading = LiveReading(run, exchanges, pairs)
    while reading.unfinished:
        waiting = {pair.exchange for pair in reading.unfinished}
        # Every exchange has its tables from the first load on.
        is_first = not all(run.raw.has_table(name) for name in exchanges)
        yield Batch(tuple(name for name in exchanges if is_first or name in waiting), reading)


class LiveReading:
    """The pairs that have newer trades than those that were read."""

    def __init__(self, run: Run, exchanges: Mapping[str, Exchange], pairs: Sequence[Pair]) -> None:
        self.unfinished = list(pairs)
        self._run = run
        self._exchanges = exchanges

    def read(self, exchange: str) -> Iterator[RowPage]:
        """The next pages of the exchange's pairs. A pair that cannot be read is reported; the others are read."""
        deadline = time.monotonic() + _READING_SECONDS
        positions = read_positions(self._run.raw, exchange)
        for pair in [pair for pair in self.unfinished if pair.exchange == exchange]:
            try:
                yield from self._read_pair(pair, positions.get(pair.name), deadline)
            except HeadwaterError as error:
                self._run.progress.fail(f"{exchange} {pair.symbol}: {error}", error)
                self.unfinished.remove(pair)
                if isinstance(error, BannedError):
                    self.unfinished = [each for each in self.unfinished if each.exchange != exchange]
                    return

    def _read_pair(self, pair: Pair, position: int | None, deadline: float) -> Iterator[RowPage]:
        exchange = self._exchanges[pair.exchange]
        # Where a position is no number, the first page brings the last trade again.
        is_number = position is not None and exchange.is_position_a_number
        finder = GapFinder(exchange, pair.name, Head(position, 0) if is_number and position is not None else None)
        for page in exchange.read_new(pair.name, position):
            records = finder.complete(page.records)
            yield RowPage(pair.name, records, page.position, gaps=finder.take_found())
            if time.monotonic() > deadline:
                return
        self.unfinished.remove(pair)
