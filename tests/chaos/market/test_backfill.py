"""A backfill killed at any moment, once or often, continues to the same raw tables as an undisturbed one.

The moments are drawn over all requests that an undisturbed backfill sends, and over its loads; `HEADWATER_CHAOS_KILLS`
and `HEADWATER_CHAOS_SEED` are explained in `tests/chaos/chance.py`.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import duckdb
import pytest

from loader.raw.warehouse import open_warehouse
from loader.sources.contract import RunOptions
from tests.chaos.chance import KILLS, draw_kills_in_a_row, make_random
from tests.chaos.packages import LOADED, NORMALISED, Packages
from tests.chaos.tally import PhaseTally
from tests.support.market import PAIRS, Market, configure_workspace, open_market
from tests.support.waiting import wait_until
from tests.support.workspace import Running, Workspace

SINCE, UNTIL = "2026-01-05", "2026-01-08"
BACKFILL = ("pipeline", "trades", "run", "--since", SINCE, "--until", UNTIL)
# A process that was killed lets go of its file when the system has cleared it away.
_LET_GO_SECONDS = 10
_LOOK_EVERY_SECONDS = 0.001
# In the short form. A kill may miss: the command has ended.
_FEWEST_KILLS = 2
# All columns of all tables but for load ids and times of the run. Days may be requested again: of these counts the
# unchanged and the extracted ones differ.
_TABLES = {
    **dict.fromkeys(PAIRS, "* exclude (_dlt_load_id)"),
    "superseded_rows": "* exclude (_dlt_load_id)",
    "known_gaps": "* exclude (_dlt_load_id, noticed_at)",
    "rejected_records": "* exclude (_dlt_load_id)",
    "replaced_partitions": "resource, stream, starts_at, ends_at, row_count, request_count",
    "stream_positions": "*",
    "stream_days": "resource, stream, day, sum(new_count), sum(changed_count), sum(removed_count), sum(rejected_count)",
}

Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture
def market(tmp_path: Path, workspace: Workspace) -> Iterator[Market]:
    """A market of three days, with a gap and a record that is rejected on each exchange."""
    with open_market(tmp_path / "undisturbed", trades_per_day=1500) as opened:
        for exchange, pair in PAIRS.items():
            trades = opened.list_trades(exchange)
            trades[2000] = replace(trades[2000], price="0")
            opened.servers[exchange].trades[pair] = [*trades[:700], *trades[703:]]
        configure_workspace(workspace, opened)
        yield opened


def read_raw(path: Path) -> Rows:
    """All rows of the raw tables, as soon as a killed process has let go of the warehouse."""
    with open_warehouse(path, wait_seconds=_LET_GO_SECONDS, read_only=True) as connection:
        return {table: _read_table(connection, table, columns) for table, columns in _TABLES.items()}


def _read_table(connection: duckdb.DuckDBPyConnection, table: str, columns: str) -> list[tuple[object, ...]]:
    grouped = "group by all" if "sum(" in columns else ""
    return connection.execute(f"select {columns} from raw_trades.{table} {grouped} order by all").fetchall()


def count_requests(market: Market) -> int:
    return sum(len(server.requests) for server in market.servers.values())


def draw_moment(packages: Packages, market: Market, requests: int, chance: Random) -> tuple[str, Callable[[], bool]]:
    """A moment of a backfill: after one of its requests, or while or just after it loads a package."""
    place = chance.choice(["request", "request", NORMALISED, LOADED])
    if place == "request":
        number, before = chance.randint(1, requests), count_requests(market)
        return f"after request {number}", lambda: count_requests(market) - before >= number
    number, since, seen = chance.randint(1, 3), time.time_ns(), set[str]()

    def has_come() -> bool:
        seen.update(packages.find(place, since=since))
        return len(seen) >= number

    return f"package {number} in {place}", has_come


def kill_at(moment: Callable[[], bool], running: Running) -> bool:
    """Whether the moment came before the command ended."""
    came = wait_until(moment, running, every_seconds=_LOOK_EVERY_SECONDS)
    hit = came and not running.has_ended
    running.kill()
    return hit


def test_a_backfill_killed_at_random_moments_ends_with_the_same_tables(
    workspace: Workspace, market: Market, start_tally: Callable[[str], PhaseTally]
) -> None:
    undisturbed = market.loader.load(RunOptions(False, {"since": (SINCE,), "until": (UNTIL,)}))
    assert undisturbed.error is None
    requests = count_requests(market)
    expected = read_raw(market.loader.settings.warehouse)
    assert [len(expected[table]) for table in ("known_gaps", "rejected_records", "replaced_partitions")] == [3, 3, 9]

    chance, tally = make_random("backfill"), start_tally("backfill")
    packages = Packages(workspace.settings.state / "dlt" / "pipelines" / "trades")
    most = max(_FEWEST_KILLS, KILLS)
    while tally.kills < most:
        for path in workspace.settings.data.glob("warehouse.*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for _ in range(draw_kills_in_a_row(chance, most - tally.kills)):
            described, moment = draw_moment(packages, market, requests, chance)
            tally.hits += kill_at(moment, workspace.start("dlt", *BACKFILL))
            tally.kills += 1
            tally.report(described)
        # The same command continues; one that ended is done again, and changes nothing.
        printed = workspace.run_well("dlt", *BACKFILL)
        assert read_raw(workspace.settings.warehouse) == expected, printed
        tally.equal_runs += 1
