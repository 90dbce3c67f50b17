"""The commands of the market as a user runs them: a backfill that is killed, and a run that follows."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.market import PAIRS, SYMBOLS, Market, open_market
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace

BACKFILL = ("pipeline", "trades", "run", "--since", "2026-01-05", "--until", "2026-01-08")
KILLS = 2


@pytest.fixture
def market(tmp_path: Path, workspace: Workspace) -> Iterator[Market]:
    """A small market that the commands of the workspace know."""
    with open_market(tmp_path, trades_per_day=1500) as opened:
        workspace.environment |= {
            "HEADWATER_DOMAINS": "market",
            "SOURCES__TRADES__SYMBOLS": SYMBOLS,
            "SOURCES__TRADES__REQUESTS_PER_SECOND": "1000",
            "SOURCES__TRADES__POLL_SECONDS": "0.2",
            **{f"SOURCES__TRADES__{name.upper()}_URL": server.url for name, server in opened.servers.items()},
        }
        yield opened


def read_rows(workspace: Workspace, exchange: str) -> list[tuple[object, ...]]:
    """As Market.read_rows, from the workspace's warehouse; nothing while a load has it."""
    sql = f"""
        select cast(trade_id as bigint), epoch_us(occurred_at), side, price, quantity
        from raw_trades.{exchange} order by 1
    """
    try:
        with workspace.open_duckdb() as connection:
            return connection.execute(sql).fetchall()
    except duckdb.Error:
        return []


def test_a_backfill_that_was_killed_at_random_moments_is_complete_after_another_run(
    workspace: Workspace, market: Market
) -> None:
    served = market.servers
    chance = random.Random()
    for _ in range(KILLS):
        asked = sum(len(server.requests) for server in served.values())
        moment = asked + chance.randint(1, 15)
        running = workspace.start("dlt", *BACKFILL)
        wait_until(lambda moment=moment: sum(len(server.requests) for server in served.values()) >= moment, running)
        running.kill()
    finished = workspace.run("dlt", *BACKFILL)
    assert finished.status == 0, finished.output
    for exchange in PAIRS:
        assert read_rows(workspace, exchange) == market.expect_rows(exchange)


def test_a_run_that_follows_commits_lets_go_of_the_warehouse_and_ends_cleanly(
    workspace: Workspace, market: Market
) -> None:
    complete = {exchange: market.list_trades(exchange) for exchange in PAIRS}
    for exchange, pair in PAIRS.items():
        market.servers[exchange].trades[pair] = complete[exchange][:700]
    running = workspace.start("dlt", "pipeline", "trades", "run", "--follow")
    assert wait_until(lambda: len(read_rows(workspace, "kraken")) == 700, running, every_seconds=0.1)
    for exchange, pair in PAIRS.items():
        market.servers[exchange].trades[pair] = complete[exchange][:900]
    assert wait_until(
        lambda: all(len(read_rows(workspace, exchange)) == 900 for exchange in PAIRS), running, every_seconds=0.1
    )
    running.send(signal.SIGINT)
    finished = running.wait(60)
    assert finished.status == 0, finished.output
    assert "Stopped; everything that was loaded is kept." in finished.output
    for exchange in PAIRS:
        assert read_rows(workspace, exchange) == market.expect_rows(exchange)
