"""What becomes of one record of each exchange: an exact trade, or a rejection with its reason."""

import gzip
import json
import re
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from loader.base.errors import SettingsError
from loader.raw.series_intake import SeriesRow
from loader.sources.trades.binance import Binance
from loader.sources.trades.coinbase import Coinbase
from loader.sources.trades.kraken import Kraken
from loader.sources.trades.symbols import find_pairs
from tests.support.workspace import RECORDED

BINANCE = {"a": 26129, "p": "0.01633102", "q": "4.70443515", "f": 1, "l": 2, "T": 1498793709153, "m": True, "M": True}
TRADES = RECORDED / "trades"

needs_recorded = pytest.mark.skipif(not TRADES.is_dir(), reason="the recorded trades are not there")


def test_a_trade_keeps_the_digits_of_its_exchange() -> None:
    assert Binance.read(json.dumps(BINANCE).encode(), "BTCUSDT") == SeriesRow(
        "26129", 1498793709153000, ("26129", "sell", Decimal("0.01633102"), Decimal("4.70443515"))
    )
    assert Kraken.read(b'["30243.40000","0.34507674",1688669597.8277369,"b","m","",61044952]', "XBT/USD") == SeriesRow(
        "61044952", 1688669597827736, ("61044952", "buy", Decimal("30243.40000"), Decimal("0.34507674"))
    )
    maker_bought = b'{"time":"2014-11-07T22:19:28.578544Z","trade_id":74,"price":"10.1","size":"0.01","side":"buy"}'
    assert Coinbase.read(maker_bought, "BTC-USD") == SeriesRow(
        "74", 1415398768578544, ("74", "sell", Decimal("10.1"), Decimal("0.01"))
    )


def test_a_number_without_quotation_marks_never_becomes_a_float() -> None:
    exact = b'{"a":1,"p":12345678.1234567891,"q":123456789012.12345678,"T":1498793709153,"m":false}'
    assert Binance.read(exact, "BTCUSDT").values[2:] == (
        Decimal("12345678.1234567891"),
        Decimal("123456789012.12345678"),
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"a": None}, "it has no trade id"),
        ({"a": "x1"}, "the trade id 'x1' is not a number"),
        ({"m": "maybe"}, "the side is unknown"),
        ({"m": None}, "the side is unknown"),
        ({"p": "0.00000000"}, "the price 0.00000000 is not above zero"),
        ({"p": "-1"}, "the price -1 is not above zero"),
        ({"q": "0"}, "the quantity 0 is not above zero"),
        ({"p": "100000000"}, "does not fit decimal(18,10)"),
        ({"p": "0.00000000001"}, "does not fit decimal(18,10)"),
        ({"q": "0.123456789"}, "does not fit decimal(20,8)"),
        ({"p": "NaN"}, "is not a number"),
        ({"p": "much"}, "the price 'much' is not a number"),
        ({"T": int((time.time() + 3600) * 1000)}, "the time is in the future"),
        ({"T": None}, "it has no time"),
    ],
)
def test_what_is_no_trade_is_rejected_with_the_reason(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        Binance.read(json.dumps(BINANCE | changed).encode(), "BTCUSDT")


@pytest.mark.parametrize(
    ("read", "record", "reason"),
    [
        (Kraken.read, b'["30243.4","0.3",1688669597.82,"b","m",""]', "it has no trade id"),
        (Kraken.read, b'["30243.4","0.3",1688669597.82,"x","m","",1]', "the side is unknown"),
        (Kraken.read, b'["30243.4","0.3"]', "it has 2 fields"),
        (Coinbase.read, b'{"trade_id":1,"side":"buy","size":"1","price":"1","time":"2014-11-07T22:19:28"}', "no zone"),
        (Coinbase.read, b'{"trade_id":1,"side":"buy","size":"1","price":"1","time":"today"}', "no time"),
        (Coinbase.read, b"[1]", "it is not an object"),
    ],
)
def test_each_exchange_has_its_own_faults(read: Callable[[bytes, str], SeriesRow], record: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(record, "XBT/USD")


def test_a_symbol_is_mapped_to_the_pair_of_each_exchange() -> None:
    assert [(pair.exchange, pair.name) for pair in find_pairs(["BTC-USD"], "symbols")] == [
        ("coinbase", "BTC-USD"),
        ("kraken", "XBT/USD"),
    ]
    assert [pair.name for pair in find_pairs(["kraken:BTC-USD"], "symbols")] == ["XBT/USD"]
    for symbol, reason in (("xbt/usd", "A to Z"), ("DOGE-USD", "market_pairs.csv")):
        with pytest.raises(SettingsError, match=reason):
            find_pairs([symbol], "symbols")


@needs_recorded
def test_recorded_matches_of_coinbase_are_trades() -> None:
    rows = []
    with gzip.open(TRADES / "exchange_ws" / "COINBASE.ws.28.0.txt.gz", "rb") as lines:
        for line in lines:
            _, _, record = line.partition(b": ")
            if b'"type":"match"' in record:
                rows.append((json.loads(record), Coinbase.read(record.strip(), "SKL-USD")))
    assert rows
    for sent, row in rows:
        assert row.values[2:] == (Decimal(sent["price"]), Decimal(sent["size"]))
        assert row.values[1] == {"buy": "sell", "sell": "buy"}[sent["side"]]


@needs_recorded
def test_recorded_aggregate_trades_of_binance_are_trades() -> None:
    rows = []
    with gzip.open(TRADES / "exchange_ws" / "BINANCE.ws.1.0.txt.gz", "rt") as lines:
        for line in lines:
            if '"e":"aggTrade"' in line:
                sent = json.loads(line.partition(": ")[2])["data"]
                rows.append((sent, Binance.read(json.dumps(sent).encode(), sent["s"])))
    assert rows
    assert all(row.values[0] == str(sent["a"]) and row.values[2] == Decimal(sent["p"]) for sent, row in rows)


@needs_recorded
@pytest.mark.parametrize("name", ["spot_btcusdt_20240809", "usdm_btcusdt_20240808"])
def test_recorded_events_of_kind_trade_are_no_aggregate_trades(name: str) -> None:
    """They have a trade id (`t`) and no aggregate id (`a`): they cannot be mapped, and say so."""
    with gzip.open(TRADES / "binance_trades_only" / f"{name}.txt.gz", "rt") as lines:
        sent = json.loads(next(lines).split(" ", 1)[1])["data"]
    with pytest.raises(ValueError, match="it has no trade id"):
        Binance.read(json.dumps(sent).encode(), "BTCUSDT")


@needs_recorded
def test_a_recorded_csv_of_kraken_has_neither_id_nor_side() -> None:
    seconds, price, quantity = (TRADES / "kraken_BCHEUR" / "BCHEUR.csv").read_text().splitlines()[0].split(",")
    record = f'["{price}","{quantity}",{seconds},"","","",null]'.encode()
    with pytest.raises(ValueError, match="it has no trade id"):
        Kraken.read(record, "BCH/EUR")


@needs_recorded
def test_recorded_trades_of_xrp_have_id_and_side_and_become_exact_trades() -> None:
    """Lists of ccxt: time in milliseconds, id, kind, taker's side, price, quantity, cost."""
    with gzip.open(TRADES / "binance_XRP_ETH-trades.json.gz", "rb") as opened:
        lists = json.loads(opened.read(), parse_float=str)
    rows = []
    for at, number, _, side, price, quantity, _ in lists:
        record = {"a": int(number), "p": price, "q": quantity, "T": at, "m": side == "sell"}
        rows.append((Binance.read(json.dumps(record).encode(), "XRPETH"), side, Decimal(price), Decimal(quantity)))
    assert len({row.id for row, *_ in rows}) == len(rows) == 12_477
    assert all(row.values[1:] == (side, price, quantity) for row, side, price, quantity in rows)
