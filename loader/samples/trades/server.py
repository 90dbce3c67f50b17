"""Stand-ins for the exchanges' lists of trades: real HTTP servers on the loopback address."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from loader.samples.faults import Answer, Record, Request
from loader.samples.server import StandInServer, answer_json
from loader.samples.trades.market import SampleTrade

_MAX_TRADES = 1000


class ExchangeServer(StandInServer):
    """Has lists of trades by pair, as the exchange spells it, in the order of their numbers."""

    def __init__(self, trades: Mapping[str, Sequence[SampleTrade]]) -> None:
        self.trades = {pair: list(listed) for pair, listed in trades.items()}
        super().__init__()

    def find_first(self, pair: str, number: int) -> int:
        """The place of the first trade with this number or a higher one."""
        return bisect_left(self.trades[pair], number, key=lambda trade: trade.number)


class BinanceServer(ExchangeServer):
    """`GET /api/v3/aggTrades`."""

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        asked = request.parameters
        pair, limit = asked.get("symbol", ""), min(int(asked.get("limit", 500)), _MAX_TRADES)
        if pair not in self.trades:
            return answer_json({"code": -1121, "msg": "Invalid symbol."}, 400)
        trades = self.trades[pair]
        if "fromId" in asked:
            first = self.find_first(pair, int(asked["fromId"]))
            found = trades[first : first + limit]
        elif "startTime" in asked:
            start, end = int(asked["startTime"]), int(asked.get("endTime", 1 << 60))
            found = [trade for trade in trades if start <= trade.at // 1000 <= end][:limit]
        else:
            found = trades[-limit:]
        return answer_json([describe_binance(trade) for trade in found])


class KrakenServer(ExchangeServer):
    """`GET /0/public/Trades`. Errors have the status 200."""

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        asked = request.parameters
        pair = next((name for name in self.trades if name.replace("/", "") == asked.get("pair")), None)
        if pair is None:
            return answer_json({"error": ["EQuery:Unknown asset pair"]})
        count = min(int(asked.get("count", _MAX_TRADES)), _MAX_TRADES)
        trades = self.trades[pair]
        since = asked.get("since")
        found = (
            trades[-count:] if since is None else [trade for trade in trades if trade.at * 1000 > int(since)][:count]
        )
        last = str(found[-1].at * 1000 if found else since or 0)
        records = b",".join(describe_kraken(trade) for trade in found)
        body = b'{"error":[],"result":{"X%sZ":[%s],"last":"%s"}}' % (
            pair.replace("/", "").encode(),
            records,
            last.encode(),
        )
        return Answer(200, body)


class CoinbaseServer(ExchangeServer):
    """`GET /products/PAIR/trades`, the newest first; cursors are in headers."""

    def answer(self, request: Request) -> Answer:
        """See StandInServer."""
        _, _, pair, _ = request.path.split("/")
        if pair not in self.trades:
            return answer_json({"message": "NotFound"}, 404)
        asked = request.parameters
        limit = min(int(asked.get("limit", _MAX_TRADES)), _MAX_TRADES)
        end = self.find_first(pair, int(asked["after"])) if "after" in asked else len(self.trades[pair])
        found = self.trades[pair][max(0, end - limit) : end][::-1]
        cursors = {"CB-BEFORE": str(found[0].number), "CB-AFTER": str(found[-1].number)} if found else {}
        return replace(answer_json([describe_coinbase(trade) for trade in found]), headers=cursors)


def describe_binance(trade: SampleTrade) -> Record:
    """A trade as Binance sends it."""
    return {
        "a": trade.number,
        "p": trade.price,
        "q": trade.quantity,
        "f": 2 * trade.number,
        "l": 2 * trade.number + 1,
        "T": trade.at // 1000,
        "m": trade.side == "sell",
        "M": True,
    }


def describe_kraken(trade: SampleTrade) -> bytes:
    """A trade as Kraken sends it: a time with seven digits after the point."""
    seconds = f"{trade.at // 1_000_000}.{trade.at % 1_000_000:06d}0"
    return b'["%s","%s",%s,"%s","m","",%d]' % (
        trade.price.encode(),
        trade.quantity.encode(),
        seconds.encode(),
        trade.side[0].encode(),
        trade.number,
    )


def describe_coinbase(trade: SampleTrade) -> Record:
    """A trade as Coinbase sends it, with the maker's side."""
    seconds, microseconds = divmod(trade.at, 1_000_000)
    moment = f"{_format_seconds(seconds)}.{microseconds:06d}Z"
    side = {"buy": "sell", "sell": "buy"}[trade.side]
    return {
        "trade_id": trade.number,
        "side": side,
        "size": trade.quantity,
        "price": trade.price,
        "time": moment,
    }


def _format_seconds(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
