"""Live prices and share counts around a day, corrected as documented, and judged.

Doubtful prices that decide the figures of the day are refused, with the reason and what would help. Doubtful prices that
only surround them are left out, and the reader is told.
"""

import math
from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

from shockcheck.data.market import bars, corrections, share_counts, yahoo
from shockcheck.data.market.bars import PRICES, Fault, Judgement, days_of, number_at
from shockcheck.data.market.exchanges import Listing, Sessions
from shockcheck.errors import ParameterError, SourceError

VENDOR = "yahoo-finance"  # id in data/sources.csv
SESSIONS_AROUND = (15, 14)  # before and after an event: drawn, and judged even where fewer are asked for
EARLIER_SESSIONS = 5  # before the first session that is asked for, to judge a vendor's first bars by
MAX_DAYS_PER_SESSION = timedelta(days=5)  # a session and the holidays around it, on average over several sessions
WITNESS_PERIOD = timedelta(days=30)  # share counts of the month after a day bear witness to earlier counts
DOCUMENT = "document {} in data/corrections.yml, or choose another day or source"


class DoubtfulSplitError(SourceError):
    """A share count of one day cannot be converted to shares of another, since a split between them is in doubt."""


class Judged(NamedTuple):
    """A share's bars in shares of one day, corrected as documented, and their faults.

    `vendor_bars` are the vendor's own bars, as traded. `begun` is the share's first day of trading, None where the bars
    begin later.
    """

    share: Listing
    sessions: Sessions
    vendor_bars: pd.DataFrame
    bars: pd.DataFrame
    faults: Judgement
    begun: date | None


class Around(NamedTuple):
    """A share's bars around a day, without doubtful prices, and what a reader must be told about them.

    `notices` are about whole bars and the day, `cell_notices` about single prices that are left out.
    """

    share: Listing
    bars: pd.DataFrame
    notices: list[str]
    cell_notices: list[str]


def judged(symbol: str, first: date, last: date, basis: date) -> Judged:
    """Return the bars of `symbol` from `first` to `last` or later, in shares of the day `basis`, with their faults.

    Raises SourceError as `yahoo.daily` does, and where a documented correction saw another bar than the vendor now has.
    """
    vendor_bars = yahoo.daily(symbol, first, last).assign(source=VENDOR)
    share = yahoo.listing(symbol, first)
    sessions = Sessions(share)
    end = max(last, days_of(vendor_bars)[-1].date())
    corrected = bars.corrected(symbol, vendor_bars, first, end)
    begun = _begun(symbol, corrected, yahoo.over(sessions, first, end))
    scaled = bars.in_shares_of(corrected, basis)
    return Judged(share, sessions, vendor_bars, scaled, bars.judge(scaled, yahoo.over(sessions, begun or first, end)), begun)


def _begun(symbol: str, corrected: pd.DataFrame, sessions: pd.DatetimeIndex) -> date | None:
    """Return the first day of a share's trading, or None where that is before the `sessions`.

    The vendor's listing says it; where it does not, the first bar with a close is taken.
    """
    priced = days_of(corrected["close"].dropna())[:1]
    listed = yahoo.first_day(symbol, days_of(corrected)[0].date())
    days = [*([listed] if listed else []), *(day.date() for day in priced)]
    begun = min(days) if listed else max(days, default=None)
    return begun if begun and len(sessions) and begun > sessions[0].date() else None


def around(symbol: str, event_date: date, before: int, after: int = 0, strict: bool = False) -> Around:
    """Return the bars from `before` sessions before the day `event_date` to `after` after it, in shares of that day.

    Raises ParameterError for a day without a session. Raises SourceError, with the reason, where the bar of the day or of
    the session before is in doubt (if `strict`, any bar up to the day), or where no change from the first to the last of
    these bars can be computed.
    """
    sessions = Sessions(yahoo.listing(symbol, event_date))
    _check_session(symbol, sessions, event_date)
    first = sessions.up_to(event_date, max(before, SESSIONS_AROUND[0]) + EARLIER_SESSIONS + 1)[0].date()
    following = sessions.after(event_date, max(after, SESSIONS_AROUND[1]))
    following = following[following <= pd.Timestamp(event_date) + following.size * MAX_DAYS_PER_SESSION]
    market = judged(symbol, first, following[-1].date() if len(following) else event_date, basis=event_date)
    window = sessions.up_to(event_date, before + 1)
    if len(window) <= (before if strict else min(before, 1)):
        raise ParameterError(outside(sessions, event_date))
    needed = window[0 if strict else -2 :]
    _refuse(symbol, market, needed)
    if len(following[:after]):
        window = window.union(yahoo.over(sessions, event_date, following[:after][-1].date()))
    window = window[window >= pd.Timestamp(market.begun or first)]
    notices = _notices(symbol, market, window, needed)
    shown = _without_doubtful(market, window)
    fetched = ", ".join(sorted(set(shown["fetched"].dropna())))
    notices.append(
        f"{symbol}: closes of Yahoo Finance, in shares of {event_date} and not adjusted for dividends; fetched {fetched}."
    )
    return Around(market.share, shown, notices, _cell_notices(symbol, market.faults, window, needed))


def _check_session(symbol: str, sessions: Sessions, event_date: date) -> None:
    """Raise ParameterError for a day outside the calendar or without a session, SourceError for one that is not over."""
    if not sessions.covers(event_date):
        raise ParameterError(outside(sessions, event_date))
    if event_date not in sessions:
        raise ParameterError(closed(sessions, event_date, _traded(symbol, event_date)))
    if yahoo.over(sessions, event_date, event_date).empty:
        raise SourceError(f"the session of {event_date} is not over, or not for long enough; choose an earlier day")


def outside(sessions: Sessions, event_date: date) -> str:
    """Return the sentence for a day outside the calendar, or too near its beginning to have a session before."""
    return (
        f"event_date {event_date} lies outside the calendar of {sessions.exchange}, {sessions.extent}, or at its beginning: "
        "which session was before it is not known; choose another day, or document both sessions in data/corrections.yml"
    )


def closed(sessions: Sessions, event_date: date, traded: str = "") -> str:
    """Return the sentence for a day without a session, with its neighbours and, where documented, the reason."""
    neighbours = [f"{day:%Y-%m-%d}" for day in (*sessions.up_to(event_date, 1), *sessions.after(event_date, 1))]
    entry = sessions.documented.get(event_date)
    return (
        f"event_date {event_date} is no session of {sessions.exchange}{f' ({entry.reason})' if entry else ''}; "
        f"the sessions before and after it are {' and '.join(neighbours)}{traded}"
    )


def _traded(symbol: str, event_date: date) -> str:
    """Return what to say where Yahoo has a bar with trading on a day without a session."""
    vendor_bars = yahoo.daily(symbol, event_date - timedelta(days=SESSIONS_AROUND[0]), event_date)
    if pd.Timestamp(event_date) in vendor_bars.index and number_at(vendor_bars, pd.Timestamp(event_date), "volume") > 0:
        return "; Yahoo has a bar with trading for it: if there was a session, document it in data/corrections.yml"
    return ""


def _refuse(symbol: str, market: Judged, needed: pd.DatetimeIndex) -> None:
    """Raise SourceError with the first doubt about the sessions `needed`, from which figures are computed."""
    if market.begun and needed[0].date() < market.begun:
        raise SourceError(
            f"{symbol} was not listed before {market.begun}, Yahoo's first day of it: there is no close of "
            f"{needed[0]:%Y-%m-%d} to compute with; choose a later day"
        )
    for day in needed.intersection(list(market.faults.bars)):
        fault = market.faults.bars[day]
        yahoo.forget(symbol)
        raise SourceError(
            f"Yahoo's bar of {symbol} for {day:%Y-%m-%d} cannot be computed with: {fault.why}; "
            f"{DOCUMENT.format(_remedy(fault))} "
            f"(Yahoo's bar as an entry has it: `seen: {_as_entry(market.vendor_bars, day)}`)"
        )
    between = market.faults.breaks | market.faults.ratios
    for day in sorted(day for day in between if needed[0] < day <= needed[-1]):
        yahoo.forget(symbol)
        raise SourceError(
            f"no change of {symbol} from {needed[0]:%Y-%m-%d} to {needed[-1]:%Y-%m-%d} can be computed across "
            f"{day:%Y-%m-%d}: {between[day].why}; {DOCUMENT.format(_remedy(between[day]))}"
        )


def _as_entry(vendor_bars: pd.DataFrame, day: pd.Timestamp) -> str:
    """Return the vendor's bar of a day, as traded, as an entry of `corrections` has it."""
    if day not in vendor_bars.index:
        return "null"
    close = number_at(vendor_bars, day, "close")
    return f"{{close: {'null' if math.isnan(close) else close}, volume: {number_at(vendor_bars, day, 'volume'):.0f}}}"


def _remedy(fault: Fault) -> str:
    """Return what can be documented against a fault."""
    return {
        "missing": "a correction, or that there was no session,",
        "closed": "that there was a session, or a correction,",
        "split": "what the split was, or a correction,",
        "ratio": "what the split was, or a correction,",
    }.get(fault.kind, "a correction")


def _notices(symbol: str, market: Judged, window: pd.DatetimeIndex, needed: pd.DatetimeIndex) -> list[str]:
    """Return a sentence for each kind of bar that is left out of the `window`, and for each doubt about it."""
    faults, first, last = market.faults, window[0], window[-1]
    notices = [f"{symbol}: the first day that Yahoo has a price of is {market.begun}."] if market.begun else []
    notices += documented(symbol, market.sessions, window)
    notices += [
        f"{symbol}: what Yahoo lists as a split by {entry.seen:g} on {entry.date} is taken as documented: {entry.reason}."
        for entry in corrections.load().splits
        if entry.symbol == symbol and pd.Timestamp(entry.date) > first
    ]
    left_out = [(day, fault) for day, fault in faults.bars.items() if first <= day <= last]
    notices += _summed_up(f"{symbol}: Yahoo's {{}} left out: {{}}.", "bar", left_out)
    breaks = {day: fault for day, fault in faults.breaks.items() if first < day <= last and day not in faults.bars}
    notices += [f"{symbol}: {fault.why} ({day:%Y-%m-%d})." for day, fault in sorted(breaks.items())]
    notices += [f"{symbol}: {fault.why}." for day, fault in sorted(faults.ratios.items()) if day > first]
    for day in needed.intersection(list(faults.repeats)):
        notices.append(f"{symbol}: Yahoo's bar for {day:%Y-%m-%d} is used, though {faults.repeats[day].why}.")
    return notices


def _cell_notices(symbol: str, faults: Judgement, window: pd.DatetimeIndex, needed: pd.DatetimeIndex) -> list[str]:
    """Return a sentence for each single price of a `needed` day that is left out, and for other prices by kind."""
    notices: list[str] = []
    for name in PRICES[:-1]:
        cells = [(day, fault) for (day, column), fault in sorted(faults.cells.items()) if column == name and day in window]
        groups = [[(day, fault)] for day, fault in cells if day in needed]
        groups.append([(day, fault) for day, fault in cells if day not in needed])
        for group in groups:
            notices += _summed_up(f"{symbol}: Yahoo's {{}} left out: {{}}.", name, group)
    return notices


def documented(symbol: str, sessions: Sessions, window: pd.DatetimeIndex) -> list[str]:
    """Return a sentence for each documented session, or missing session, from the first to the last day of `window`."""
    return [
        f"{symbol}: {day} {'was' if entry.held else 'was not'} a session, as documented: {entry.reason}."
        for day, entry in sorted(sessions.documented.items())
        if window[0] <= pd.Timestamp(day) <= window[-1]
    ]


def _summed_up(sentence: str, thing: str, faults: Iterable[tuple[pd.Timestamp, Fault]]) -> list[str]:
    """Return a sentence for each kind of fault: about one day, or about several with the reason for the first."""
    kinds: dict[str, list[tuple[pd.Timestamp, Fault]]] = {}
    for day, fault in faults:
        kinds.setdefault(fault.kind, []).append((day, fault))
    sentences = []
    for group in kinds.values():
        (first, fault), (last, _) = group[0], group[-1]
        if len(group) == 1:
            sentences.append(sentence.format(f"{thing} for {first:%Y-%m-%d} is", fault.why))
        else:
            same = len({why for _, (_, why) in group}) == 1
            days = f"{thing}s for {len(group)} days from {first:%Y-%m-%d} to {last:%Y-%m-%d} are"
            sentences.append(sentence.format(days, fault.why if same else f"on the first, {fault.why}"))
    return sentences


def _without_doubtful(market: Judged, window: pd.DatetimeIndex) -> pd.DataFrame:
    """Return the bars of the `window`; doubtful bars have no prices."""
    shown = market.bars.copy()
    shown.loc[shown.index.isin(list(market.faults.bars)), PRICES] = float("nan")
    for day, name in market.faults.cells:
        shown.at[day, name] = float("nan")
    return shown.reindex(window).rename_axis("date")


def intraday(symbol: str, on: date) -> tuple[pd.DataFrame, list[str]]:
    """Return the sound five-minute bars of the session `on`, and what a reader must be told about the others.

    Raises NoBarsError where Yahoo keeps none, and SourceError as `yahoo.daily` does.
    """
    five_minutes = yahoo.five_minutes(symbol, on)
    day, market = pd.Timestamp(on), judged(symbol, on, on, basis=on)
    known = [five_minutes["close"].median()]
    if day in market.bars.index and day not in market.faults.bars:
        known = [number_at(market.bars, day, name) for name in ("open", "close") if (day, name) not in market.faults.cells]
    faults = bars.judge_intraday(five_minutes, known)
    if not faults:
        return five_minutes, []
    first, fault = next(iter(faults.items()))
    count = f"{len(faults)} of Yahoo's {len(five_minutes)} five-minute bars for {on}"
    notice = f"{symbol}: {count} are left out; of the first, of {first:%H:%M} UTC: {fault.why}."
    return five_minutes.drop(index=list(faults)), [notice]


def share_count(symbol: str, on: date, since: date, basis: date) -> share_counts.Count:
    """Return Yahoo's last share count from `since` to `on`, in shares of the day `basis`, with any doubts about it.

    Raises SourceError where there is none, where counts or the splits between them contradict each other, or as
    `yahoo.daily` does.
    """
    dated = yahoo.share_counts(symbol, since, on + WITNESS_PERIOD)["shares"]
    days = days_of(dated.loc[: str(on)])
    if days.empty:
        raise SourceError(f"Yahoo has no share count of {symbol} from {since} to {on}")
    so_far = yahoo.daily(symbol, days[0].date(), basis)["split"].cumprod()
    shares = [_last(so_far, basis) / _last(so_far, day.date()) for day in days_of(dated)]
    count = share_counts.judge(symbol, dated * shares, on)
    carried(symbol, count.as_of, basis)
    return count


def _last(splits: pd.Series, day: date) -> float:
    """Return the last value up to a day, 1 before the first."""
    known = splits.loc[: str(day)]
    return float(known.iloc[-1]) if len(known) else 1.0


def carried(symbol: str, day: date, until: date) -> float:
    """Return how many shares one share of `day` had become by the day `until`.

    Raises DoubtfulSplitError where a split between the days is in doubt, or the closes jump as if by an unlisted split; also
    where a later listed ratio is not a split's, so that the share's value on the day `until` is not known.
    """
    if day > until:
        return 1 / carried(symbol, until, day)
    faults = judged(symbol, day, until, basis=until).faults
    jumps = {when: fault for when, fault in faults.breaks.items() if fault.kind == "jump" and when < pd.Timestamp(until)}
    doubts = {when: fault for when, fault in (faults.splits | jumps).items() if day < when.date() <= until}
    doubts |= {when: fault for when, fault in faults.ratios.items() if day < when.date()}
    for when in sorted(doubts):
        yahoo.forget(symbol)
        raise DoubtfulSplitError(
            f"a share count of {symbol} of {day} cannot be put into shares of {until}: {doubts[when].why}; document what "
            "the split was in data/corrections.yml, or give the count"
        )
    return yahoo.split_since(symbol, day, until)
