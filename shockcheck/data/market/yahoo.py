"""Yahoo Finance through yfinance: listings, daily bars as traded on their day, and share counts, kept once final."""

import json
import logging
import math
import os
import re
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import quote

import numpy as np
import pandas as pd

from shockcheck.data.market import corrections
from shockcheck.data.market.bars import PRICES, days_of, seven_digits
from shockcheck.data.market.exchanges import Listing, Sessions
from shockcheck.errors import NoBarsError, SourceError
from shockcheck.project import scratch
from shockcheck.project.files import write_whole
from shockcheck.project.paths import current_project

if TYPE_CHECKING:
    from curl_cffi.requests.session import HttpMethod

ADDRESS_VARIABLE = "SHOCKCHECK_YAHOO"  # environment variable with an address to ask in place of Yahoo's hosts
REQUEST_TIMEOUT_S = 10
MAX_ATTEMPTS, FIRST_PAUSE_S = 3, 1.0  # with pauses of 1 and 2 seconds between attempts
USABLE_AFTER, FINAL_AFTER = timedelta(minutes=30), timedelta(days=1)  # the close: may be used, will not change any more
CACHE_ROOM = 1 << 20  # bytes that must be writable in the cache
DAYS_OF_FIVE_MINUTES = 60  # for which Yahoo keeps five-minute bars
MARGIN_BEFORE = timedelta(days=60)  # asked for as well, so that the sessions before a day need no second question
COUNTS_FINAL_AFTER = timedelta(days=7)  # after which share counts are taken not to change any more
# Instruments that trade in the sessions of an exchange. A currency, a cryptocurrency or a future does not: the calendar of
# the place of its times would give wrong days.
SESSION_INSTRUMENTS = {"EQUITY", "ETF", "INDEX", "MUTUALFUND"}
# Yahoo's suffix of a symbol to the exchange's calendar (ISO 10383); the exchanges of one country share their holidays.
EXCHANGES = {
    "AQ": "XLON", "AS": "XAMS", "AT": "ASEX", "AX": "XASX", "BA": "XBUE", "BD": "XBUD", "BE": "XFRA", "BK": "XBKK",
    "BO": "XBOM", "BR": "XBRU", "CL": "XBOG", "CN": "XTSE", "CO": "XCSE", "DE": "XETR", "DU": "XDUS", "F": "XFRA",
    "HA": "XFRA", "HE": "XHEL", "HK": "XHKG", "HM": "XHAM", "IC": "XICE", "IL": "XLON", "IR": "XDUB", "IS": "XIST",
    "JK": "XIDX", "JO": "XJSE", "KA": "XKAR", "KL": "XKLS", "KQ": "XKRX", "KS": "XKRX", "L": "XLON", "LM": "XLIM",
    "LS": "XLIS", "MC": "XMAD", "ME": "XMOS", "MI": "XMIL", "MU": "XFRA", "MX": "XMEX", "NE": "XTSE", "NS": "XBOM",
    "NZ": "XNZE", "OL": "XOSL", "PA": "XPAR", "PR": "XPRA", "PS": "XPHS", "RG": "XRIS", "RO": "XBSE", "SA": "BVMF",
    "SG": "XSTU", "SI": "XSES", "SN": "XSGO", "SR": "XSAU", "SS": "XSHG", "ST": "XSTO", "SW": "XSWX", "SZ": "XSHG",
    "T": "XTKS", "TA": "XTAE", "TL": "XTAL", "TO": "XTSE", "TW": "XTAI", "TWO": "XTAI", "V": "XTSE", "VI": "XWBO",
    "VS": "XLIT", "WA": "XWAR",
}  # fmt: skip
INDEX_EXCHANGES = {  # an index has no suffix: its exchange follows from its time zone
    "America/Mexico_City": "XMEX", "America/New_York": "XNYS", "America/Santiago": "XSGO", "America/Sao_Paulo": "BVMF",
    "America/Toronto": "XTSE", "Asia/Hong_Kong": "XHKG", "Asia/Jakarta": "XIDX", "Asia/Kolkata": "XBOM",
    "Asia/Kuala_Lumpur": "XKLS", "Asia/Seoul": "XKRX", "Asia/Shanghai": "XSHG", "Asia/Singapore": "XSES",
    "Asia/Taipei": "XTAI", "Asia/Tokyo": "XTKS", "Australia/Sydney": "XASX", "Europe/Amsterdam": "XAMS",
    "Europe/Berlin": "XETR", "Europe/Brussels": "XBRU", "Europe/Copenhagen": "XCSE", "Europe/Dublin": "XDUB",
    "Europe/Helsinki": "XHEL", "Europe/London": "XLON", "Europe/Madrid": "XMAD", "Europe/Oslo": "XOSL",
    "Europe/Paris": "XPAR", "Europe/Stockholm": "XSTO", "Europe/Vienna": "XWBO", "Europe/Zurich": "XSWX",
    "Pacific/Auckland": "XNZE",
}  # fmt: skip
CURRENCY_PARTS = {
    "GBp": ("GBP", 100),
    "ILA": ("ILS", 100),
    "KWF": ("KWD", 1000),
    "ZAc": ("ZAR", 100),
}  # quoted in parts of a unit
Answer = TypeVar("Answer")


def listing(symbol: str, on: date) -> Listing:
    """Return the listing of `symbol` at Yahoo; raises SourceError where Yahoo cannot be asked or has no price since `on`."""
    if on > _now().date() + FINAL_AFTER:
        raise SourceError(f"Yahoo has no price of {symbol} for {on}, a day that has not come; choose one that is over")
    return _kept(symbol, on).share


def first_day(symbol: str, on: date) -> date | None:
    """Return the first day of trading in Yahoo's listing of `symbol`, or None; raises SourceError as `listing` does."""
    return _kept(symbol, on).first


def over(sessions: Sessions, first: date, last: date) -> pd.DatetimeIndex:
    """Return the sessions from `first` to `last` that ended long enough ago for their bars to be used."""
    days = sessions.between(first, min(last, _now().date() + FINAL_AFTER))
    while len(days) and sessions.closes(days[-1]) + USABLE_AFTER > _now():
        days = days[:-1]
    return days


def daily(symbol: str, first: date, last: date) -> pd.DataFrame:
    """Return the bars from `first` on, as traded on their day: open, high, low, close, volume, ratio, split, undo, fetched.

    The index is the day. `ratio` is the split that Yahoo lists for the day, 1 where it lists none or the split is
    documented; `split` is how many shares one share became; `undo` is the factor for earlier prices, which Yahoo has in
    shares of today. Prices are not adjusted for dividends. The bars are those of all sessions up to `last` that are over,
    as far as Yahoo has them, and of later sessions that are known already; the last may be of a session that is not over.
    Final bars come from the cache. Raises SourceError where Yahoo cannot be asked or does not answer with prices.
    """
    kept, sessions = _kept(symbol, first), Sessions(listing(symbol, first))
    asked = over(sessions, first, last)
    if first >= kept.since and (asked.empty or sessions.closes(asked[-1]) + FINAL_AFTER <= kept.asked):
        bars = _cached(symbol)
    else:
        bars = _refresh(symbol, min(first, kept.since))[1]
    bars = bars.loc[str(first) :]
    if bars.loc[: str(last)].empty:
        listed = f"its first day is {kept.first}" if kept.first and kept.first > last else "correct the symbol or the day"
        raise SourceError(f"Yahoo gives no price of {symbol} from {first} to {last}; {listed}")
    return bars


def five_minutes(symbol: str, on: date) -> pd.DataFrame:
    """Return the five-minute bars of the session `on`, in shares of that day, by start (UTC).

    Columns open, high, low, close, fetched. Yahoo keeps them for 60 days. Raises NoBarsError where it has none, and
    SourceError as `daily` does.
    """
    path = _folder(symbol) / f"five-minutes-{on}.csv"
    if path.exists():
        return pd.read_csv(path, index_col="start", parse_dates=["start"])
    missing = f"{symbol}: Yahoo has no five-minute bars for {on}; it keeps those of the last {DAYS_OF_FIVE_MINUTES} days"
    if on <= _now().date() - timedelta(days=DAYS_OF_FIVE_MINUTES):
        raise NoBarsError(missing)
    share = listing(symbol, on)
    frame, about = _ask(symbol, lambda ticker: _history(ticker, on, on + timedelta(days=1), "5m"))
    if frame.empty:
        raise NoBarsError(missing)
    parts = _unit(symbol, about)[1]
    later = daily(symbol, on, max(on, _now().date()))["undo"].loc[str(on + timedelta(days=1)) :].prod()
    prices = frame.rename(columns=str.lower)[PRICES].dropna() * later / parts
    bars = prices.map(seven_digits).assign(fetched=str(_now().date()))
    bars.index = days_of(bars).tz_convert("UTC").rename("start")
    sessions = Sessions(share)
    opens, closes = sessions.opens(on), sessions.closes(on)
    bars = bars[(bars.index >= opens) & (bars.index < closes)]
    if closes + FINAL_AFTER <= _now():
        write_whole(path, bars.to_csv())
    return bars


def share_counts(symbol: str, since: date, until: date) -> pd.DataFrame:
    """Return every share count that Yahoo dates from `since` to `until`, with columns shares and fetched, by date.

    There may be several a day. They are in shares of their own day. Raises SourceError as `daily` does.
    """
    path = _folder(symbol) / f"counts-{since}-{until}.csv"
    if path.exists():
        return pd.read_csv(path, index_col="date", parse_dates=["date"])
    listing(symbol, since)
    answer = _ask(symbol, lambda ticker: ticker.get_shares_full(start=str(since), end=str(until + timedelta(days=1))))
    shares = pd.Series(dtype=float) if answer is None else answer.dropna().astype(float)
    days = _exchange_days(shares) if len(shares) else pd.DatetimeIndex([], name="date")
    counts = pd.DataFrame({"shares": shares.to_numpy()}, index=days).assign(fetched=str(_now().date()))
    if until + COUNTS_FINAL_AFTER < _now().date():
        write_whole(path, counts.to_csv())
    return counts


def split_since(symbol: str, day: date, until: date) -> float:
    """Return how many shares one share of `day` had become by the day `until`; raises SourceError as `daily` does."""
    splits = daily(symbol, day, until)["split"].loc[str(day + timedelta(days=1)) : str(until)]
    return float(np.prod(splits.to_numpy(dtype=float)))


def forget(symbol: str) -> None:
    """Have the daily bars of `symbol` fetched again next time: Yahoo may repair what cannot be used now."""
    (_folder(symbol) / "listing.json").unlink(missing_ok=True)


class _Kept(NamedTuple):
    """What is kept of a symbol beside its bars, which are the bars from `since` on that were final at the time `asked`.

    `first` is its first day of trading; `splits` holds its documented splits at that time.
    """

    share: Listing
    first: date | None
    since: date
    asked: datetime
    splits: list[list[Any]]


def _kept(symbol: str, on: date) -> _Kept:
    """Return what is kept, fetched first where nothing is kept or the documented splits have changed."""
    kept = _read(symbol)
    return kept if kept and kept.splits == _documented(symbol) else _refresh(symbol, on - MARGIN_BEFORE)[0]


def _read(symbol: str) -> _Kept | None:
    """Return what is kept, or None where nothing is, or only what an earlier version of this module kept."""
    if not (_folder(symbol) / "bars.csv").exists():
        return None
    try:
        kept = json.loads((_folder(symbol) / "listing.json").read_text(encoding="utf-8"))
        return _Kept(
            Listing(**kept["share"]),
            kept["first"] and date.fromisoformat(kept["first"]),
            date.fromisoformat(kept["since"]),
            datetime.fromisoformat(kept["asked"]),
            kept["splits"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _documented(symbol: str) -> list[list[Any]]:
    entries = [entry for entry in corrections.load().splits if entry.symbol == symbol]
    return [[str(entry.date), entry.seen, entry.shares, entry.divided] for entry in entries]


def _refresh(symbol: str, first: date) -> tuple[_Kept, pd.DataFrame]:
    """Ask for all bars from `first` to now; keep the listing, the time of asking and the final bars."""
    frame, about = _ask(symbol, lambda ticker: _history(ticker, first))
    if frame.empty or not frame["Close"].notna().any() or not about.get("currency"):
        raise SourceError(f"Yahoo gives no price of {symbol} since {first}; correct the symbol or the day")
    unit, parts = _unit(symbol, about)
    share = Listing(symbol, about.get("longName") or about.get("shortName") or symbol, _exchange(symbol, about), unit)
    bars = _as_traded(symbol, frame, parts).assign(fetched=str(_now().date()))
    begun = about.get("firstTradeDate")  # a time stamp, or seconds where yfinance leaves it as Yahoo gives it
    begun = pd.Timestamp(begun, unit="s" if isinstance(begun, int) else None).date() if begun else None
    kept = _Kept(share, begun, first, _now(), _documented(symbol))
    _folder(symbol).mkdir(parents=True, exist_ok=True)
    write_whole(_folder(symbol) / "bars.csv", bars[bars.index.isin(_final(Sessions(share), days_of(bars)))].to_csv())
    text = json.dumps(kept._asdict() | {"share": share._asdict()}, default=str)
    write_whole(_folder(symbol) / "listing.json", f"{text}\n")
    return kept, bars


def _final(sessions: Sessions, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Return the days whose bars will not change any more."""
    old = days[days < pd.Timestamp(_now().date() - 3 * FINAL_AFTER)]
    late = days[len(old) :]
    is_final = [day.date() in sessions and sessions.closes(day) + FINAL_AFTER <= _now() for day in late]
    return pd.DatetimeIndex(old.append(late[is_final]))


def _history(
    ticker: Any, first: date, last: date | None = None, interval: str = "1d"
) -> tuple[pd.DataFrame, dict[str, Any]]:
    frame = ticker.history(
        start=str(first),
        end=last and str(last),
        interval=interval,
        auto_adjust=False,
        actions=True,
        repair=False,
        timeout=REQUEST_TIMEOUT_S,
    )
    return frame, dict(ticker.get_history_metadata()._metadata()) if len(frame) else {}


def _unit(symbol: str, about: dict[str, Any]) -> tuple[str, int]:
    """Return the currency of a price, and the number of its parts in which Yahoo quotes prices: 100 for pence."""
    unit, parts = CURRENCY_PARTS.get(about["currency"], (about["currency"], 1))
    if not re.fullmatch("[A-Z]{3}", unit):
        raise SourceError(f"Yahoo gives the prices of {symbol} in {unit!r}, which is no currency; choose another share")
    return unit, parts


def _as_traded(symbol: str, frame: pd.DataFrame, parts: int) -> pd.DataFrame:
    """Return Yahoo's frame, whose prices are in today's shares, in the shares of each day, by the day at the exchange."""
    days = _exchange_days(frame)
    ratio = frame["Stock Splits"].fillna(1.0).replace(0.0, 1.0).set_axis(days)
    split = ratio.where((ratio > 0) & (ratio < math.inf), 1.0)  # an impossible ratio is doubted where bars are judged
    undo = split.copy()
    is_listed = ratio != 1
    listed = [(day.date(), float(value)) for day, value in zip(days[is_listed], ratio[is_listed].to_numpy(), strict=True)]
    for day, entry in corrections.of_splits(symbol, listed).items():
        ratio[str(day)], split[str(day)], undo[str(day)] = 1.0, entry.shares, entry.seen if entry.divided else 1.0
    later = undo[::-1].cumprod()[::-1].shift(-1, fill_value=1.0)
    bars = {name: (frame[name.title()].set_axis(days) * later / parts).map(seven_digits) for name in PRICES}
    return pd.DataFrame(bars).assign(volume=frame["Volume"].to_numpy(), ratio=ratio, split=split, undo=undo)


def _exchange_days(frame: pd.DataFrame | pd.Series) -> pd.DatetimeIndex:
    """Return the days of a frame whose index has times at the exchange."""
    return pd.DatetimeIndex(days_of(frame).tz_localize(None).normalize(), name="date")


def _exchange(symbol: str, about: dict[str, Any]) -> str:
    kind = about.get("instrumentType")
    if kind not in SESSION_INSTRUMENTS:
        raise SourceError(
            f"{symbol} is of the kind {kind} at Yahoo, which is not traded in sessions of an exchange; choose a share, a "
            "fund or an index"
        )
    suffix = symbol.rpartition(".")[2] if "." in symbol else ""
    if about.get("exchangeName") in {"NMS", "NGM", "NCM"}:
        return "XNAS"
    if suffix in EXCHANGES:
        return EXCHANGES[suffix]
    if not suffix and about.get("exchangeTimezoneName") in INDEX_EXCHANGES:
        return INDEX_EXCHANGES[about["exchangeTimezoneName"]]
    raise SourceError(f"the exchange of {symbol} ({about.get('exchangeName')} at Yahoo) has no known calendar of sessions")


def _ask(symbol: str, question: Callable[[Any], Answer]) -> Answer:
    """Return Yahoo's answer, asked again after a pause where the connection fails; raises SourceError with what to do."""
    import tenacity
    import yfinance  # takes two seconds to import: only where live prices are needed
    from curl_cffi.requests import exceptions as connection
    from yfinance import exceptions as yahoo

    logging.getLogger("yfinance").setLevel(logging.CRITICAL)  # every fault is reported below
    yfinance.config.debug.hide_exceptions = False
    yfinance.set_tz_cache_location(str(_usable(current_project().cache / "yahoo") / "yfinance"))
    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type((yahoo.YFRateLimitError, connection.ConnectionError, connection.Timeout)),
        stop=tenacity.stop_after_attempt(MAX_ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=FIRST_PAUSE_S),
        reraise=True,
    )
    try:
        with warnings.catch_warnings(action="ignore"):  # a reader cannot mend yfinance's own use of pandas
            return again(lambda: question(yfinance.Ticker(symbol, session=_session())))
    except yahoo.YFRateLimitError as error:
        why = (
            f"Yahoo refuses more requests for now (HTTP 429, asked {MAX_ATTEMPTS} times); try again in a quarter of an hour"
        )
        raise SourceError(f"{symbol}: {why}") from error
    except yahoo.YFTickerMissingError as error:
        raise SourceError(
            f"Yahoo knows no prices of {symbol!r} ({error.rationale}); correct the symbol or the day"
        ) from error
    except connection.Timeout as error:
        raise SourceError(f"{symbol}: Yahoo did not answer within {REQUEST_TIMEOUT_S} seconds; try again later") from error
    except connection.HTTPError as error:
        raise SourceError(f"Yahoo knows no prices of {symbol!r} ({error}); correct the symbol or the day") from error
    except connection.RequestException as error:
        raise SourceError(f"{symbol}: Yahoo cannot be reached; look at the network and try again") from error
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise SourceError(f"{symbol}: Yahoo answered with something that is no price table; try again later") from error


@cache
def _session() -> Any:
    from curl_cffi import requests

    class Session(requests.Session[Any]):
        """A browser-like session with one time-out for all requests, sent to another address where one is set."""

        def request(self, method: "HttpMethod", url: str, *arguments: Any, **named: Any) -> Any:
            elsewhere = os.environ.get(ADDRESS_VARIABLE)
            url = f"{elsewhere}/{url.partition('://')[2]}" if elsewhere else url
            return super().request(method, url, *arguments, **named | {"timeout": REQUEST_TIMEOUT_S})

    return Session(impersonate="chrome")


def _cached(symbol: str) -> pd.DataFrame:
    return pd.read_csv(_folder(symbol) / "bars.csv", index_col="date", parse_dates=["date"])


def _folder(symbol: str) -> Path:
    return _usable(current_project().cache / "yahoo") / quote(symbol, safe="")


@cache
def _usable(folder: Path) -> Path:
    """Return the folder, or, where it is not writable, a folder that is removed when this process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(CACHE_ROOM))
    except OSError:
        return scratch.folder() / folder.name
    return folder


def _now() -> datetime:
    return datetime.now(UTC)
