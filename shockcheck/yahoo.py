"""Yahoo Finance through yfinance: listings and daily bars as traded on their day, kept in a cache once they are final."""

import io
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import pandas as pd

from shockcheck import scratch
from shockcheck.errors import NoBarsError, SourceError
from shockcheck.exchanges import Listing, calendar
from shockcheck.paths import ROOT, write_whole

CACHE = ROOT / ".cache" / "yahoo"
ADDRESS = "SHOCKCHECK_YAHOO"  # another address in place of Yahoo's hosts: a stand-in, or a mirror
TIMEOUT = 10  # seconds
ATTEMPTS, PAUSE = 3, 1.0  # pauses of 1 and 2 seconds between them
OVER, FINAL = timedelta(minutes=30), timedelta(days=1)  # after the close: may be used, will not change any more
ROOM = 1 << 20  # bytes that the cache must take
KEPT = 60  # days that Yahoo keeps five-minute bars
PRICES = ["open", "high", "low", "close"]
# Yahoo's suffix of a symbol to the exchange's calendar (ISO 10383); the exchanges of one country share their holidays.
EXCHANGES = {
    "AS": "XAMS", "AX": "XASX", "BK": "XBKK", "BO": "XBOM", "BR": "XBRU", "CO": "XCSE", "DE": "XETR", "F": "XFRA",
    "HE": "XHEL", "HK": "XHKG", "IR": "XDUB", "JK": "XIDX", "JO": "XJSE", "KQ": "XKRX", "KS": "XKRX", "L": "XLON",
    "LS": "XLIS", "MC": "XMAD", "MI": "XMIL", "MX": "XMEX", "NS": "XBOM", "NZ": "XNZE", "OL": "XOSL", "PA": "XPAR",
    "SA": "BVMF", "SI": "XSES", "SS": "XSHG", "ST": "XSTO", "SW": "XSWX", "SZ": "XSHG", "T": "XTKS", "TA": "XTAE",
    "TO": "XTSE", "TW": "XTAI", "VI": "XWBO", "WA": "XWAR",
}  # fmt: skip
INDICES = {  # an index has no suffix: its exchange follows from its time zone
    "America/New_York": "XNYS", "America/Toronto": "XTSE", "Asia/Hong_Kong": "XHKG", "Asia/Seoul": "XKRX",
    "Asia/Tokyo": "XTKS", "Australia/Sydney": "XASX", "Europe/Berlin": "XETR", "Europe/London": "XLON",
    "Europe/Paris": "XPAR", "Europe/Zurich": "XSWX",
}  # fmt: skip
PARTS = {"GBp": ("GBP", 100), "ILA": ("ILS", 100), "ZAc": ("ZAR", 100)}  # currencies that Yahoo quotes in hundredths
Answer = TypeVar("Answer")


def listing(symbol: str, on: date) -> Listing:
    """The listing of `symbol` as Yahoo has it; raises SourceError where Yahoo cannot be asked or has no price since `on`."""
    path = _folder(symbol) / "listing.json"
    if not path.exists():
        _refresh(symbol, on - timedelta(days=14))
    return Listing(**json.loads(path.read_text(encoding="utf-8")))


def over(exchange: str, first: date, last: date) -> pd.DatetimeIndex:
    """The sessions from `first` to `last` that have been over for long enough that their bars may be used."""
    sessions = calendar(exchange)
    days = sessions.sessions_in_range(str(first), str(last))
    return days[[sessions.session_close(day) + OVER <= _now() for day in days]]


def daily(symbol: str, first: date, last: date, basis: date) -> pd.DataFrame:
    """The bars from `first` to `last`, in shares of the day `basis`: open, high, low, close, volume, fetched, by date.

    Splits up to the basis are applied and later ones undone, so that a price times the share count of that day is the
    market value of that day; dividends never touch a price. Only sessions that are over are given; what is final comes
    from the cache. Raises SourceError where Yahoo cannot be asked or answers with something else than prices.
    """
    bars = _bars(symbol, first, max(last, basis))
    shares = bars["split"].cumprod()
    factor = shares / shares.loc[: str(basis)].iloc[-1] if len(shares.loc[: str(basis)]) else shares
    scaled = bars[PRICES].mul(factor, axis=0).map(_seven_digits)
    return scaled.join(bars[["volume", "fetched"]]).loc[: str(last)]


def five_minutes(symbol: str, on: date) -> pd.DataFrame:
    """The five-minute bars of the session `on`, in shares of that day: open, high, low, close, fetched, by start (UTC).

    Yahoo keeps them for 60 days. Raises SourceError as `daily` does.
    """
    path = _folder(symbol) / f"five-minutes-{on}.csv"
    if path.exists():
        return pd.read_csv(path, index_col="start", parse_dates=["start"])
    missing = f"{symbol}: Yahoo has no five-minute bars for {on}; it keeps those of the last {KEPT} days"
    if on <= _now().date() - timedelta(days=KEPT):
        raise NoBarsError(missing)
    share = listing(symbol, on)
    frame, about = _ask(symbol, lambda one: _history(one, on, on + timedelta(days=1), "5m"))
    if frame.empty:
        raise NoBarsError(missing)
    parts = PARTS.get(about.get("currency"), (None, 1))[1]
    later = _bars(symbol, on, max(on, _now().date()))["split"].loc[str(on + timedelta(days=1)) :].prod()
    prices = frame.rename(columns=str.lower)[PRICES].dropna() * later / parts
    bars = prices.map(_seven_digits).assign(fetched=str(_now().date()))
    bars.index = bars.index.tz_convert("UTC").rename("start")
    sessions = calendar(share.exchange)
    opens, closes = (edge(str(on)) for edge in (sessions.session_open, sessions.session_close))
    bars = bars[(bars.index >= opens) & (bars.index < closes)]
    if closes + FINAL <= _now():
        write_whole(path, bars.to_csv())
    return bars


def share_count(symbol: str, on: date, since: date) -> pd.Series:
    """Yahoo's last share count from `since` to `on`, in shares of the day `on`: as_of, shares, fetched.

    Raises SourceError where Yahoo has none, or as `daily` does.
    """
    path = _folder(symbol) / f"shares-{on}.json"
    if path.exists():
        count = json.loads(path.read_text(encoding="utf-8"))
        return pd.Series(count | {"as_of": pd.Timestamp(count["as_of"])})
    listing(symbol, on)
    counts = _ask(symbol, lambda share: share.get_shares_full(start=str(since), end=str(on + timedelta(days=1))))
    if counts is None or counts.dropna().empty:
        raise SourceError(f"Yahoo has no share count of {symbol} from {since} to {on}")
    counts = counts.dropna()
    as_of = counts.index[-1].tz_localize(None).normalize()
    count = {
        "as_of": str(as_of.date()),
        "shares": float(counts.iloc[-1]) * split_since(symbol, as_of.date(), on),
        "fetched": str(_now().date()),
    }
    if on + timedelta(days=7) < _now().date():
        write_whole(path, json.dumps(count) + "\n")
    return pd.Series(count | {"as_of": as_of})


def split_since(symbol: str, day: date, until: date) -> float:
    """How many shares one share of `day` had become by the day `until`; raises SourceError as `daily` does."""
    return float(_bars(symbol, day, until)["split"].loc[str(day + timedelta(days=1)) :].prod())


def _bars(symbol: str, first: date, last: date) -> pd.DataFrame:
    """The bars as traded and the splits, from the cache where it has all of them."""
    bars = _cached(symbol)
    if not set(over(listing(symbol, first).exchange, first, last)) <= set(bars.index):
        bars = _refresh(symbol, first)
    bars = bars.loc[str(first) : str(last)]
    if bars.empty:
        raise SourceError(f"Yahoo gives no price of {symbol} from {first} to {last}; correct the symbol or the day")
    return bars


def _refresh(symbol: str, first: date) -> pd.DataFrame:
    """Ask for all bars from `first` to now; keep the listing and, with the day of asking, the final bars."""
    frame, about = _ask(symbol, lambda share: _history(share, first))
    if frame.empty or not about.get("currency"):
        raise SourceError(f"Yahoo gives no price of {symbol} since {first}; correct the symbol or the day")
    unit, parts = PARTS.get(about["currency"], (about["currency"], 1))
    share = Listing(symbol, about.get("longName") or about.get("shortName") or symbol, _exchange(symbol, about), unit)
    bars = _as_traded(frame, parts).assign(fetched=str(_now().date()))
    sessions = calendar(share.exchange)
    ends = {day: sessions.session_close(day) for day in bars.index if sessions.is_session(day)}
    bars = bars[[day not in ends or ends[day] + OVER <= _now() for day in bars.index]]
    known = _cached(symbol)
    every = pd.concat([known[~known.index.isin(bars.index)], bars]).sort_index()
    final = every[[day not in ends or ends[day] + FINAL <= _now() for day in every.index]]
    _folder(symbol).mkdir(parents=True, exist_ok=True)
    write_whole(_folder(symbol) / "bars.csv", final.to_csv())
    write_whole(_folder(symbol) / "listing.json", json.dumps(share._asdict()) + "\n")
    return every


def _history(share: Any, first: date, last: date | None = None, interval: str = "1d") -> tuple[pd.DataFrame, dict[str, Any]]:
    frame = share.history(
        start=str(first),
        end=last and str(last),
        interval=interval,
        auto_adjust=False,
        actions=True,
        repair=False,
        timeout=TIMEOUT,
    )
    return frame, dict(share.get_history_metadata()._metadata()) if len(frame) else {}


def _as_traded(frame: pd.DataFrame, parts: int) -> pd.DataFrame:
    """Yahoo's frame, whose prices are in today's shares, in the shares of each day; a day is the exchange's."""
    days = pd.DatetimeIndex(frame.index.tz_localize(None).normalize(), name="date")
    split = frame["Stock Splits"].where(frame["Stock Splits"] != 0, 1.0)
    later = split[::-1].cumprod()[::-1].shift(-1, fill_value=1.0)
    bars = pd.DataFrame({name: (frame[name.title()] * later / parts).map(_seven_digits) for name in PRICES})
    return bars.assign(volume=frame["Volume"], split=split).set_axis(days)


def _seven_digits(price: float) -> float:
    """The price without the noise of Yahoo's 32-bit numbers, which carry seven digits."""
    return float(f"{price:.7g}")


def _exchange(symbol: str, about: dict[str, Any]) -> str:
    suffix = symbol.rpartition(".")[2] if "." in symbol else ""
    if about.get("exchangeName") in {"NMS", "NGM", "NCM"}:
        return "XNAS"
    if suffix in EXCHANGES:
        return EXCHANGES[suffix]
    if not suffix and about.get("exchangeTimezoneName") in INDICES:
        return INDICES[about["exchangeTimezoneName"]]
    raise SourceError(f"the exchange of {symbol} ({about.get('exchangeName')} at Yahoo) has no known calendar of sessions")


def _ask(symbol: str, question: Callable[[Any], Answer]) -> Answer:
    """Yahoo's answer, asked again after a pause where the line is at fault; raises SourceError with what to do."""
    import tenacity
    import yfinance  # takes two seconds to import: only where live prices are asked for
    from curl_cffi.requests import exceptions as line
    from yfinance import exceptions as yahoo

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # every fault is told below
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(str(_usable(CACHE) / "yfinance"))
    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((yahoo.YFRateLimitError, line.ConnectionError, line.Timeout)),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=PAUSE),
        reraise=True,
    )
    try:
        with warnings.catch_warnings(action="ignore"):  # yfinance's own use of pandas is nothing that a reader can mend
            return again(lambda: question(yfinance.Ticker(symbol, session=_session())))
    except yahoo.YFRateLimitError as error:
        why = f"Yahoo refuses more requests for now (HTTP 429, asked {ATTEMPTS} times); try again in a quarter of an hour"
        raise SourceError(f"{symbol}: {why}") from error
    except yahoo.YFTickerMissingError as error:
        raise SourceError(
            f"Yahoo knows no prices of {symbol!r} ({error.rationale}); correct the symbol or the day"
        ) from error
    except line.Timeout as error:
        raise SourceError(f"{symbol}: Yahoo did not answer within {TIMEOUT} seconds; try again later") from error
    except line.HTTPError as error:
        raise SourceError(f"Yahoo knows no prices of {symbol!r} ({error}); correct the symbol or the day") from error
    except line.RequestException as error:
        raise SourceError(f"{symbol}: Yahoo cannot be reached; look at the network and try again") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SourceError(f"{symbol}: Yahoo answered with something that is no price table; try again later") from error


@cache
def _session() -> Any:
    from curl_cffi import requests

    class Session(requests.Session):
        """A browser-like session with one time-out for every request, and with another address where one is given."""

        def request(self, method: str, url: str, *arguments: Any, **named: Any) -> Any:
            elsewhere = os.environ.get(ADDRESS)
            url = f"{elsewhere}/{url.partition('://')[2]}" if elsewhere else url
            return super().request(method, url, *arguments, **named | {"timeout": TIMEOUT})

    return Session(impersonate="chrome")


def _cached(symbol: str) -> pd.DataFrame:
    path = _folder(symbol) / "bars.csv"
    text = path.read_text(encoding="utf-8") if path.exists() else f"date,{','.join(PRICES)},volume,split,fetched\n"
    return pd.read_csv(io.StringIO(text), index_col="date", parse_dates=["date"])


def _folder(symbol: str) -> Path:
    return _usable(CACHE) / quote(symbol, safe="")


@cache
def _usable(folder: Path) -> Path:
    """Return the folder, or, where it cannot be written, one that ends with this process: then Yahoo is asked every time."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(ROOM))
    except OSError:
        return scratch.folder() / folder.name
    return folder


def _now() -> datetime:
    return datetime.now(UTC)
