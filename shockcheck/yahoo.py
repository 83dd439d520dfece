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
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import pandas as pd

from shockcheck import corrections, scratch
from shockcheck.bars import PRICES, seven_digits
from shockcheck.errors import NoBarsError, SourceError
from shockcheck.exchanges import Listing, Sessions
from shockcheck.paths import ROOT, write_whole

CACHE = ROOT / ".cache" / "yahoo"
ADDRESS = "SHOCKCHECK_YAHOO"  # another address in place of Yahoo's hosts: a stand-in, or a mirror
TIMEOUT = 10  # seconds
ATTEMPTS, PAUSE = 3, 1.0  # pauses of 1 and 2 seconds between them
OVER, FINAL = timedelta(minutes=30), timedelta(days=1)  # after the close: may be used, will not change any more
ROOM = 1 << 20  # bytes that the cache must take
KEPT = 60  # days that Yahoo keeps five-minute bars
AHEAD = timedelta(days=60)  # asked for before a day, so that the sessions around it need no second question
SETTLED = timedelta(days=7)  # after which share counts are taken to change no more
# Kinds that are traded in sessions of an exchange. A currency, a cryptocurrency or a future is not: its symbol has no
# exchange either, and by the calendar of the place that its times are in it would be computed on wrong days.
KINDS = {"EQUITY", "ETF", "INDEX", "MUTUALFUND"}
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
INDICES = {  # an index has no suffix: its exchange follows from its time zone
    "America/Mexico_City": "XMEX", "America/New_York": "XNYS", "America/Santiago": "XSGO", "America/Sao_Paulo": "BVMF",
    "America/Toronto": "XTSE", "Asia/Hong_Kong": "XHKG", "Asia/Jakarta": "XIDX", "Asia/Kolkata": "XBOM",
    "Asia/Kuala_Lumpur": "XKLS", "Asia/Seoul": "XKRX", "Asia/Shanghai": "XSHG", "Asia/Singapore": "XSES",
    "Asia/Taipei": "XTAI", "Asia/Tokyo": "XTKS", "Australia/Sydney": "XASX", "Europe/Amsterdam": "XAMS",
    "Europe/Berlin": "XETR", "Europe/Brussels": "XBRU", "Europe/Copenhagen": "XCSE", "Europe/Dublin": "XDUB",
    "Europe/Helsinki": "XHEL", "Europe/London": "XLON", "Europe/Madrid": "XMAD", "Europe/Oslo": "XOSL",
    "Europe/Paris": "XPAR", "Europe/Stockholm": "XSTO", "Europe/Vienna": "XWBO", "Europe/Zurich": "XSWX",
    "Pacific/Auckland": "XNZE",
}  # fmt: skip
PARTS = {"GBp": ("GBP", 100), "ILA": ("ILS", 100), "KWF": ("KWD", 1000), "ZAc": ("ZAR", 100)}  # quoted in parts of a unit
Answer = TypeVar("Answer")


def listing(symbol: str, on: date) -> Listing:
    """The listing of `symbol` as Yahoo has it; raises SourceError where Yahoo cannot be asked or has no price since `on`."""
    if on > _now().date() + FINAL:
        raise SourceError(f"Yahoo has no price of {symbol} for {on}, a day that has not come; choose one that is over")
    return _kept(symbol, on).share


def first_day(symbol: str, on: date) -> date | None:
    """The first day of trading by Yahoo's listing of `symbol`, None where it says none; raises SourceError as `listing`."""
    return _kept(symbol, on).first


def over(sessions: Sessions, first: date, last: date) -> pd.DatetimeIndex:
    """The sessions from `first` to `last` that have been over for long enough that their bars may be used."""
    days = sessions.between(first, min(last, _now().date() + FINAL))
    while len(days) and sessions.closes(days[-1]) + OVER > _now():
        days = days[:-1]
    return days


def daily(symbol: str, first: date, last: date) -> pd.DataFrame:
    """The bars from `first` on, as traded on their day: open, high, low, close, volume, ratio, split, undo, fetched.

    The index is the day. `ratio` is the split that Yahoo lists for it, 1 where it lists none or the split is documented;
    `split` is how many shares one became, and `undo` what earlier prices are multiplied by, since Yahoo has them in the
    shares of today. Dividends never touch a price. All sessions that are over up to `last` are there as far as Yahoo has
    them, and later ones that are known already; the bar of a session that is not over may stand last. What is final comes
    from the cache. Raises SourceError where Yahoo cannot be asked or answers with something else than prices.
    """
    kept, sessions = _kept(symbol, first), Sessions(listing(symbol, first))
    wanted = over(sessions, first, last)
    if first >= kept.since and (wanted.empty or sessions.closes(wanted[-1]) + FINAL <= kept.asked):
        bars = _cached(symbol)
    else:
        bars = _refresh(symbol, min(first, kept.since))[1]
    bars = bars.loc[str(first) :]
    if bars.loc[: str(last)].empty:
        listed = f"its first day is {kept.first}" if kept.first and kept.first > last else "correct the symbol or the day"
        raise SourceError(f"Yahoo gives no price of {symbol} from {first} to {last}; {listed}")
    return bars


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
    parts = _unit(symbol, about)[1]
    later = daily(symbol, on, max(on, _now().date()))["undo"].loc[str(on + timedelta(days=1)) :].prod()
    prices = frame.rename(columns=str.lower)[PRICES].dropna() * later / parts
    bars = prices.map(seven_digits).assign(fetched=str(_now().date()))
    bars.index = bars.index.tz_convert("UTC").rename("start")
    sessions = Sessions(share)
    opens, closes = sessions.opens(on), sessions.closes(on)
    bars = bars[(bars.index >= opens) & (bars.index < closes)]
    if closes + FINAL <= _now():
        write_whole(path, bars.to_csv())
    return bars


def share_counts(symbol: str, since: date, until: date) -> pd.DataFrame:
    """Every share count that Yahoo dates from `since` to `until`: shares, fetched, by date, several a day where it has them.

    They are as Yahoo has them, in shares of their own day. Raises SourceError as `daily` does.
    """
    path = _folder(symbol) / f"counts-{since}-{until}.csv"
    if path.exists():
        return pd.read_csv(path, index_col="date", parse_dates=["date"])
    listing(symbol, since)
    given = _ask(symbol, lambda share: share.get_shares_full(start=str(since), end=str(until + timedelta(days=1))))
    given = pd.Series(dtype=float) if given is None else given.dropna().astype(float)
    days = pd.DatetimeIndex(given.index if given.empty else given.index.tz_localize(None).normalize(), name="date")
    counts = pd.DataFrame({"shares": given.to_numpy()}, index=days).assign(fetched=str(_now().date()))
    if until + SETTLED < _now().date():
        write_whole(path, counts.to_csv())
    return counts


def split_since(symbol: str, day: date, until: date) -> float:
    """How many shares one share of `day` had become by the day `until`; raises SourceError as `daily` does."""
    return float(daily(symbol, day, until)["split"].loc[str(day + timedelta(days=1)) : str(until)].prod())


def forget(symbol: str) -> None:
    """Ask for the daily bars of `symbol` anew the next time: what cannot be computed with now, Yahoo may repair."""
    (_folder(symbol) / "listing.json").unlink(missing_ok=True)


class _Kept(NamedTuple):
    """What is kept of a symbol beside its bars, which are all from the day `since` on that were final when it was `asked`.

    `first` is its first day of trading, `splits` is how its splits were documented then.
    """

    share: Listing
    first: date | None
    since: date
    asked: datetime
    splits: list[list[Any]]


def _kept(symbol: str, on: date) -> _Kept:
    """What is kept, asked for from some time before `on` where nothing is, or where its splits are documented anew."""
    kept = _read(symbol)
    return kept if kept and kept.splits == _documented(symbol) else _refresh(symbol, on - AHEAD)[0]


def _read(symbol: str) -> _Kept | None:
    """What is kept, None where nothing is, or what an earlier version of this module kept."""
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
    """Ask for all bars from `first` to now; keep the listing and, with the day of asking, the final bars."""
    frame, about = _ask(symbol, lambda share: _history(share, first))
    if frame.empty or not frame["Close"].notna().any() or not about.get("currency"):
        raise SourceError(f"Yahoo gives no price of {symbol} since {first}; correct the symbol or the day")
    unit, parts = _unit(symbol, about)
    share = Listing(symbol, about.get("longName") or about.get("shortName") or symbol, _exchange(symbol, about), unit)
    bars = _as_traded(symbol, frame, parts).assign(fetched=str(_now().date()))
    begun = about.get("firstTradeDate")  # a time stamp, or a number where yfinance has left it as Yahoo gives it
    begun = pd.Timestamp(begun, unit="s" if isinstance(begun, int) else None).date() if begun else None
    kept = _Kept(share, begun, first, _now(), _documented(symbol))
    _folder(symbol).mkdir(parents=True, exist_ok=True)
    write_whole(_folder(symbol) / "bars.csv", bars[bars.index.isin(_final(Sessions(share), bars.index))].to_csv())
    text = json.dumps(kept._asdict() | {"share": share._asdict()}, default=str)
    write_whole(_folder(symbol) / "listing.json", f"{text}\n")
    return kept, bars


def _final(sessions: Sessions, days: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Those of the days whose bars will not change any more."""
    old = days[days < pd.Timestamp(_now().date() - 3 * FINAL)]
    late = days[len(old) :]
    return old.append(late[[day.date() in sessions and sessions.closes(day) + FINAL <= _now() for day in late]])


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


def _unit(symbol: str, about: dict[str, Any]) -> tuple[str, int]:
    """The currency of a price, and into how many parts of it Yahoo's prices are quoted."""
    unit, parts = PARTS.get(about["currency"], (about["currency"], 1))
    if not re.fullmatch("[A-Z]{3}", unit):
        raise SourceError(f"Yahoo gives the prices of {symbol} in {unit!r}, which is no currency; choose another share")
    return unit, parts


def _as_traded(symbol: str, frame: pd.DataFrame, parts: int) -> pd.DataFrame:
    """Yahoo's frame, whose prices are in today's shares, in the shares of each day; a day is the exchange's."""
    days = pd.DatetimeIndex(frame.index.tz_localize(None).normalize(), name="date")
    ratio = frame["Stock Splits"].fillna(1.0).replace(0.0, 1.0).set_axis(days)
    split = ratio.where((ratio > 0) & (ratio < math.inf), 1.0)  # what is no ratio at all is doubted where bars are judged
    undo = split.copy()
    listed = [(day.date(), float(one)) for day, one in ratio[ratio != 1].items()]
    for day, entry in corrections.of_splits(symbol, listed).items():
        ratio[str(day)], split[str(day)], undo[str(day)] = 1.0, entry.shares, entry.seen if entry.divided else 1.0
    later = undo[::-1].cumprod()[::-1].shift(-1, fill_value=1.0)
    bars = {name: (frame[name.title()].set_axis(days) * later / parts).map(seven_digits) for name in PRICES}
    return pd.DataFrame(bars).assign(volume=frame["Volume"].to_numpy(), ratio=ratio, split=split, undo=undo)


def _exchange(symbol: str, about: dict[str, Any]) -> str:
    kind = about.get("instrumentType")
    if kind not in KINDS:
        raise SourceError(
            f"{symbol} is of the kind {kind} at Yahoo, which is not traded in sessions of an exchange; choose a share, a "
            "fund or an index"
        )
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
    return pd.read_csv(_folder(symbol) / "bars.csv", index_col="date", parse_dates=["date"])


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
