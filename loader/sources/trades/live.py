"""Reads on from where each pair was read to, each pair at its own pace, and commits within seconds."""

from collections.abc import Iterator, Mapping, Sequence

from loader.base.errors import HeadwaterError
from loader.raw.changes import read_positions
from loader.raw.series import RowPage
from loader.sources.contract import FOLLOW, Batch, Plan, SourceRun
from loader.sources.trades.exchange import BannedError, Exchange, Head
from loader.sources.trades.gaps import GapFinder
from loader.sources.trades.settings import TradesSettings
from loader.sources.trades.symbols import Pair

# A load that reads no longer than this is committed within ten seconds.
READING_SECONDS = 5.0

Run = SourceRun[TradesSettings]


def plan_live(run: Run, exchanges: Mapping[str, Exchange], pairs: Sequence[Pair]) -> Plan:
    """Loads of a few seconds each, until there is no newer trade. A run that follows: one load of the due pairs."""
    reading = LiveReading(run, exchanges, pairs)
    while reading.unfinished:
        waiting = {pair.exchange for pair in reading.unfinished}
        # Every exchange has its tables from the first load on.
        is_first = not all(run.raw.has_table(name) for name in exchanges)
        names = tuple(name for name in exchanges if is_first or name in waiting)
        reading.begin_load(len(names))
        yield Batch(names, reading)
        if run.options.list(FOLLOW):
            return


class LiveReading:
    """The pairs that are due and have newer trades than those that were read."""

    def __init__(self, run: Run, exchanges: Mapping[str, Exchange], pairs: Sequence[Pair]) -> None:
        self.unfinished = run.agenda.list_due(pairs)
        self._run = run
        self._agenda = run.agenda
        self._exchanges = exchanges

    def begin_load(self, exchange_count: int) -> None:
        """Shares the seconds of a load among so many exchanges, which dlt reads one after the other."""
        self._share_seconds = READING_SECONDS / exchange_count
        self._deadline = self._agenda.clock()

    def read(self, exchange: str) -> Iterator[RowPage]:
        """The next pages of the exchange's pairs. A pair that cannot be read is reported; the others are read."""
        self._deadline += self._share_seconds
        positions = read_positions(self._run.raw, exchange)
        due = [pair for pair in self._agenda.list_due(self.unfinished) if pair.exchange == exchange]
        for place, pair in enumerate(due):
            # At least one page is read, so that every load gets further.
            if place and self._is_late:
                return
            try:
                yield from self._read_pair(pair, positions.get(pair.name))
            except HeadwaterError as error:
                self._run.progress.fail(f"{exchange} {pair.symbol}: {error}", error)
                self._finish(pair, is_busy=False)
                if isinstance(error, BannedError):
                    for each in due[place + 1 :]:
                        self._finish(each, is_busy=False)
                    return

    @property
    def _is_late(self) -> bool:
        return self._agenda.clock() >= self._deadline

    def _read_pair(self, pair: Pair, position: int | None) -> Iterator[RowPage]:
        exchange = self._exchanges[pair.exchange]
        # Where a position is no number, the first page brings the last trade again.
        is_number = position is not None and exchange.is_position_a_number
        finder = GapFinder(exchange, pair.name, Head(position, 0) if is_number and position is not None else None)
        newest = position
        for page in exchange.read_new(pair.name, position):
            records = finder.complete(page.records)
            newest = page.position if page.position is not None else newest
            yield RowPage(pair.name, records, page.position, gaps=finder.take_found())
            if self._is_late:
                # Whether there is more is not known yet; the next load looks after the other pairs.
                self._agenda.keep(pair)
                return
        self._finish(pair, is_busy=newest != position)

    def _finish(self, pair: Pair, *, is_busy: bool) -> None:
        self.unfinished.remove(pair)
        settings = self._run.settings
        self._agenda.put_off(
            pair,
            is_busy=is_busy,
            shortest_seconds=settings.poll_seconds,
            longest_seconds=settings.quiet_poll_seconds,
        )
