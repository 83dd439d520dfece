"""A stand-in for Yahoo on a local port: cookie, crumb and chart API, as yfinance asks for them, with faults on demand."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from werkzeug import Request, Response


@dataclass
class Share:
    """What the stand-in knows of one share: bars as (day, open, high, low, close, volume), prices in today's shares."""

    bars: list[tuple]
    currency: str = "USD"
    zone: str = "America/New_York"
    exchange: str = "NMS"
    name: str = "Example Corporation"
    kind: str = "EQUITY"
    first: str | None = None  # first day of trading, as Yahoo says it
    splits: dict[str, float | tuple[float, float]] = field(default_factory=dict)  # new shares for one, or new and old ones
    dividends: dict[str, float] = field(default_factory=dict)
    counts: dict[str, float] | list[tuple[str, float]] = field(default_factory=dict)  # pairs where a day has several
    five_minutes: list[tuple] = field(default_factory=list)  # (time, open, high, low, close, volume)

    def opening(self, day: str) -> int:
        return int(datetime.fromisoformat(f"{day}T09:30").replace(tzinfo=ZoneInfo(self.zone)).timestamp())

    def at(self, moment: str) -> int:
        return int(datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(self.zone)).timestamp())

    def shares(self, first: int, last: int) -> dict:
        """The answer of the time series API, whose counts are those of their day."""
        given = self.counts.items() if isinstance(self.counts, dict) else self.counts
        counts = [(day, count) for day, count in given if first <= self.opening(day) < last]
        found = {"timestamp": [self.opening(day) for day, _ in counts], "shares_out": [count for _, count in counts]}
        return {"timeseries": {"result": [found if counts else {}], "error": None}}

    def chart(self, first: int, last: int, interval: str = "1d") -> dict:
        if interval == "5m":
            bars, when = self.five_minutes, self.at
        else:
            bars, when = self.bars, self.opening
        bars = [bar for bar in bars if first <= when(bar[0]) < last]
        columns = dict(
            zip(("open", "high", "low", "close", "volume"), zip(*(bar[1:] for bar in bars), strict=True), strict=True)
        )
        ratios = {day: ratio if isinstance(ratio, tuple) else (ratio, 1) for day, ratio in self.splits.items()}
        splits = {str(self.opening(day)): {"date": self.opening(day), "numerator": new, "denominator": old,
                  "splitRatio": f"{new:g}:{old:g}"} for day, (new, old) in ratios.items()}  # fmt: skip
        paid = {str(self.opening(day)): {"date": self.opening(day), "amount": sum_} for day, sum_ in self.dividends.items()}
        meta = {"currency": self.currency, "exchangeName": self.exchange, "exchangeTimezoneName": self.zone,
                "instrumentType": self.kind, "longName": self.name, "validRanges": ["1d", "max"], "priceHint": 2,
                "firstTradeDate": self.first and self.opening(self.first),
                "dataGranularity": interval}  # fmt: skip
        adjusted = [price and price * 0.9 for price in columns.get("close", [])]  # dividends taken off: must never be used
        if interval == "5m":
            hours = {"timezone": "EST", "gmtoffset": 0}
            days = sorted({bar[0][:10] for bar in bars})
            meta["tradingPeriods"] = [[hours | {"start": self.opening(day), "end": self.at(f"{day}T16:00")}] for day in days]
        indicators = {"quote": [columns], "adjclose": [{"adjclose": adjusted}]}
        events = {name: found for name, found in (("splits", splits), ("dividends", paid)) if found}
        result = {
            "meta": meta,
            "timestamp": [when(bar[0]) for bar in bars],
            "indicators": indicators,
            "events": events,
        }
        return {"chart": {"result": [result], "error": None}}


class Yahoo:
    """Answers by path, whatever the host; `fault`, if set, answers in place of a chart. Counts the charts asked for."""

    def __init__(self) -> None:
        self.shares: dict[str, Share] = {}
        self.fault: Response | None = None
        self.charts = 0

    def __call__(self, request: Request) -> Response:
        if request.path == "/fc.yahoo.com" or request.path == "/fc.yahoo.com/":
            return Response("", 404, headers={"Set-Cookie": "A3=cookie; Path=/"})
        if request.cookies.get("A3") != "cookie":
            return Response("no cookie", 401)
        if request.path.endswith("/getcrumb"):
            return Response("crumb")
        if request.args.get("crumb") != "crumb":
            return Response("no crumb", 401)
        self.charts += 1
        if self.fault:
            return self.fault
        symbol = request.path.rpartition("/")[2]
        if symbol not in self.shares:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return Response(json.dumps({"chart": {"result": None, "error": error}}), 404)
        first, last = int(request.args.get("period1", 0)), int(request.args.get("period2", 9e9))
        share = self.shares[symbol]
        if "/timeseries/" in request.path:
            return Response(json.dumps(share.shares(first, last)), content_type="application/json")
        return Response(json.dumps(share.chart(first, last, request.args["interval"])), content_type="application/json")
