"""The commands of the market as a user runs them: a run that follows. Killed backfills are in tests/chaos."""

import signal
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.market import PAIRS, Market, configure_workspace, open_market
from tests.support.waiting import wait_until
from tests.support.workspace import Workspace


@pytest.fixture
def market(tmp_path: Path, workspace: Workspace) -> Iterator[Market]:
    """A small market that the commands of the workspace know."""
    with open_market(tmp_path, trades_per_day=1500) as opened:
        configure_workspace(workspace, opened)
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
