"""`make bench`, trades: 1,000,000 of them to candles beside one `group by`, a day added to a year, a load's memory.

It judges no time. The models' own times are compared: dbt's start is the same for any number of trades.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from loader.base.settings import Settings, read_settings
from loader.samples.trades.market import generate_trades
from loader.samples.trades.server import BinanceServer
from loader.sources.contract import RunOptions
from tests.support.loading import SourceLoader
from tests.support.workspace import BUILD_WITHOUT_TESTS, SCRIPTS

TRADES = 1_000_000
_ROUNDS = 3
_BUSY = 30
_MODELS = ("int_candles_shortest", "int_candles_longer")
_FLOOR = """
    create or replace table floor_candles as
    select
        stream, epoch_us(occurred_at) // 60000000 as minute,
        first(price order by occurred_at, cast(trade_id as bigint)) as open, max(price) as high, min(price) as low,
        last(price order by occurred_at, cast(trade_id as bigint)) as close,
        sum(quantity) as volume, sum(cast(price * quantity as decimal(38, 18))) as quote_volume, count(*) as trades
    from raw_trades.binance group by all
"""
# A year of trades, one pair, evenly spread; then a day more.
_FILL = """
    insert into raw_trades.binance
    select
        'BTCUSDT:' || n, 'BTCUSDT', make_timestamptz({start} + (n - {first}) * {step}), cast(n as varchar),
        case when n % 3 = 0 then 'buy' else 'sell' end,
        cast(100 + (n * 7919 % 1000) / 100 as decimal(18, 10)), cast(1 + n % 100 as decimal(20, 8)),
        '{{"a":' || n || ',"p":"' || (100 + (n * 7919 % 1000) / 100) || '","q":"' || (1 + n % 100) || '","m":false}}',
        null, '{load}'
    from range({first}, {last}) as numbers(n)
"""


def main(trades: int = TRADES, rounds: int = _ROUNDS) -> None:
    """Measures and prints."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-bench-"))
    os.environ |= {"HEADWATER_DATA": str(folder), "HEADWATER_DOMAINS": "market", "HOME": str(folder)}
    try:
        compare_candles(read_settings(), trades, rounds)
        # A pair that is traded once a second. dbt's own work for two models takes as long as for a quiet one.
        os.environ["HEADWATER_DATA"] = str(folder / "busy")
        compare_candles(read_settings(), _BUSY * trades, 1)
    finally:
        shutil.rmtree(folder)
    subprocess.run([sys.executable, "-m", "tests.benchmarks.trades", "load", str(trades)], check=True)


def compare_candles(settings: Settings, trades: int, rounds: int) -> None:
    """The whole, and a day more, beside the floor."""
    day = date(2025, 1, 1)
    with BinanceServer({"BTCUSDT": generate_trades("BTCUSDT", [day], 1)}) as server:
        SourceLoader("trades", settings, symbols='["BTC-USDT"]', binance_url=server.url).load()
    start = int(datetime(2025, 1, 2, tzinfo=UTC).timestamp()) * 1_000_000
    step = 365 * 86_400_000_000 // trades
    first = 10_000
    fill(settings, start, step, first, first + trades, days=0)
    floors = [time_floor(settings) for _ in range(rounds)]
    wholes = [build(settings, "--full-refresh") for _ in range(rounds)]
    report(f"candles of {trades:,} trades", min(wholes), min(floors), "one group by")
    fill(settings, start + 365 * 86_400_000_000, step, first + trades, first + trades + trades // 365, days=1)
    added, nothing = build(settings), build(settings)
    print(f"{'a day added to a year':36} {added:6.2f} s   {100 * added / min(wholes):5.1f} % of the whole", flush=True)
    print(f"{'nothing added':36} {nothing:6.2f} s", flush=True)


def fill(settings: Settings, start: int, step: int, first: int, last: int, *, days: int) -> None:
    """Trades in raw as a load would leave them."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        load = f"{float(connection.execute('select max(load_id) from raw_trades._dlt_loads').fetchall()[0][0]) + 1}"
        connection.execute(_FILL.format(start=start, step=step, first=first, last=last, load=load))
        connection.execute(
            "insert into raw_trades._dlt_loads by name"
            " select * replace (? as load_id) from raw_trades._dlt_loads limit 1",
            [load],
        )


def time_floor(settings: Settings) -> float:
    """Seconds of one statement."""
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("set threads = 2")
        started = time.perf_counter()
        connection.execute(_FLOOR)
        return time.perf_counter() - started


def build(settings: Settings, *options: str) -> float:
    """Seconds of the two models of candles, as dbt reports them."""
    command = [str(SCRIPTS / "dbt"), *BUILD_WITHOUT_TESTS[1:], "--select", "+int_candles_longer"]
    subprocess.run([*command, *options], check=True, capture_output=True)
    results = json.loads((settings.find_dbt_artifacts() / "run_results.json").read_text())["results"]
    return float(sum(each["execution_time"] for each in results if each["unique_id"].rpartition(".")[2] in _MODELS))


def measure_load(trades: int) -> None:
    """A backfill of so many trades in ten days: seconds and peak memory of this process, the server's too."""
    days = [date(2025, 1, 1) + timedelta(days=number) for number in range(10)]
    listed = generate_trades("BTCUSDT", days, trades // len(days))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as name, BinanceServer({"BTCUSDT": listed}) as server:
        settings = read_settings({"HEADWATER_DATA": name})
        loader = SourceLoader(
            "trades", settings, symbols='["BTC-USDT"]', binance_url=server.url, requests_per_second=1000
        )
        started = time.perf_counter()
        loaded = loader.load(RunOptions(False, {"since": ("2025-01-01",), "until": ("2025-01-11",)}))
        seconds = time.perf_counter() - started
    assert loaded.error is None, loaded.error
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{f'backfill of {trades:,} trades':36} {seconds:6.1f} s   peak memory {peak:,.0f} MB", flush=True)
    print(f"{'':36} {before:,.0f} MB of it are the sample's", flush=True)


def report(what: str, seconds: float, floor: float, name: str) -> None:
    """One line."""
    print(f"{what:36} {seconds:6.2f} s   {seconds / floor:5.1f} times {name} ({floor:.2f} s)", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        measure_load(int(sys.argv[2]))
    else:
        main()
