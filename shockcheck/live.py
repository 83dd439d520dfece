"""Live prices and share counts around a day: a vendor's, corrected as documented, judged, and told apart from doubtful ones.

What decides the figures of the day is refused where it is in doubt, with what was found and what would help; what only
stands beside them is left out, and the reader is told.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import pandas as pd

from shockcheck import bars, corrections, counts, yahoo
from shockcheck.bars import PRICES, Fault, Judgement
from shockcheck.errors import ParameterError, SourceError
from shockcheck.exchanges import Listing, Sessions

VENDOR = "yahoo-finance"  # id in data/sources.csv
AROUND = (15, 14)  # sessions before and after an event that are drawn, and judged whatever is asked for
BEFORE = 5  # sessions before the first that is asked for, by which a vendor's first bars are judged
PER_SESSION = timedelta(days=5)  # a session and the holidays around it, on an average of several, at the most
LATER = timedelta(days=30)  # share counts of a month after a day bear witness of those before
DOCUMENT = "document {} in data/corrections.yml, or choose another day or source"


class DoubtfulSplitError(SourceError):
    """Shares of one day cannot be told in those of another, since a split between them is in doubt."""


class Judged(NamedTuple):
    """A share's bars in shares of one day, corrected as documented, and what is wrong with them.

    `vendor_bars` are the vendor's own, as traded. `begun` is the first day that the share was traded on, None where the bars
    begin in the middle of its trading.
    """

    share: Listing
    sessions: Sessions
    vendor_bars: pd.DataFrame
    bars: pd.DataFrame
    faults: Judgement
    begun: date | None


class Around(NamedTuple):
    """A share's bars around a day, without prices where those are in doubt, and what a reader must be told of them.

    `notices` are of whole bars and of the day, `cell_notices` of single prices that are left out.
    """

    share: Listing
    bars: pd.DataFrame
    notices: list[str]
    cell_notices: list[str]


def judged(symbol: str, first: date, last: date, basis: date) -> Judged:
    """The bars of `symbol` from `first` on, at least to `last`, in shares of the day `basis`, and what is wrong with them.

    Raises SourceError as `yahoo.daily` does, and where a documented correction is of another bar than the vendor's.
    """
    vendor_bars = yahoo.daily(symbol, first, last).assign(source=VENDOR)
    share = yahoo.listing(symbol, first)
    sessions = Sessions(share)
    end = max(last, vendor_bars.index[-1].date())
    corrected = bars.corrected(symbol, vendor_bars, first, end)
    begun = _begun(symbol, corrected, yahoo.over(sessions, first, end))
    scaled = bars.in_shares_of(corrected, basis)
    return Judged(share, sessions, vendor_bars, scaled, bars.judge(scaled, yahoo.over(sessions, begun or first, end)), begun)


def _begun(symbol: str, corrected: pd.DataFrame, sessions: pd.DatetimeIndex) -> date | None:
    """The first day that a share was traded on, None where that is before the `sessions`.

    By the vendor's listing, or where that says none by its bars, which then begin later than the sessions.
    """
    priced = corrected["close"].first_valid_index()
    listed = yahoo.first_day(symbol, corrected.index[0].date())
    days = [day for day in (listed, priced.date() if priced is not None else None) if day]
    begun = min(days) if listed else max(days, default=None)
    return begun if begun and len(sessions) and begun > sessions[0].date() else None


def around(symbol: str, wanted: date, before: int, after: int = 0, strict: bool = False) -> Around:
    """The bars from `before` sessions before the day `wanted` to `after` after it, in shares of that day.

    Raises ParameterError for a day without a session, and SourceError, with what was market, where the bar of the day or of
    the session before is in doubt, or any of them up to the day if `strict`, or where no change from the first of those
    to the last can be computed.
    """
    sessions = Sessions(yahoo.listing(symbol, wanted))
    _check_session(symbol, sessions, wanted)
    first = sessions.up_to(wanted, max(before, AROUND[0]) + BEFORE + 1)[0].date()
    following = sessions.after(wanted, max(after, AROUND[1]))
    following = following[following <= pd.Timestamp(wanted) + following.size * PER_SESSION]
    market = judged(symbol, first, following[-1].date() if len(following) else wanted, basis=wanted)
    window = sessions.up_to(wanted, before + 1)
    if len(window) <= (before if strict else min(before, 1)):
        raise ParameterError(outside(sessions, wanted))
    needed = window[0 if strict else -2 :]
    _refuse(symbol, market, needed)
    if len(following[:after]):
        window = window.union(yahoo.over(sessions, wanted, following[:after][-1].date()))
    window = window[window >= pd.Timestamp(market.begun or first)]
    notices = _notices(symbol, market, window, needed)
    shown = _without_doubtful(market, window)
    fetched = ", ".join(sorted(set(shown["fetched"].dropna())))
    notices.append(
        f"{symbol}: closes of Yahoo Finance, in shares of {wanted} and not adjusted for dividends; fetched {fetched}."
    )
    return Around(market.share, shown, notices, _cell_notices(symbol, market.faults, window, needed))


def _check_session(symbol: str, sessions: Sessions, wanted: date) -> None:
    """Raise ParameterError for a day outside the calendar or without a session, SourceError for one that is not over."""
    if not sessions.covers(wanted):
        raise ParameterError(outside(sessions, wanted))
    if wanted not in sessions:
        raise ParameterError(closed(sessions, wanted, _traded(symbol, wanted)))
    if yahoo.over(sessions, wanted, wanted).empty:
        raise SourceError(f"the session of {wanted} is not over, or not for long enough; choose an earlier day")


def outside(sessions: Sessions, wanted: date) -> str:
    """The sentence for a day outside the calendar, or too near to its beginning for a session before."""
    return (
        f"event_date {wanted} lies outside the calendar of {sessions.exchange}, {sessions.extent}, or at its beginning: "
        "which session was before it is not known; choose another day, or document both sessions in data/corrections.yml"
    )


def closed(sessions: Sessions, wanted: date, traded: str = "") -> str:
    """The sentence for a day without a session, with its neighbours and, where it is documented, the reason."""
    neighbours = [f"{day:%Y-%m-%d}" for day in (*sessions.up_to(wanted, 1), *sessions.after(wanted, 1))]
    entry = sessions.documented.get(wanted)
    return (
        f"event_date {wanted} is no session of {sessions.exchange}{f' ({entry.reason})' if entry else ''}; "
        f"the sessions before and after it are {' and '.join(neighbours)}{traded}"
    )


def _traded(symbol: str, wanted: date) -> str:
    """What there is to say where Yahoo has a bar with trading on a day without a session."""
    vendor_bars = yahoo.daily(symbol, wanted - timedelta(days=AROUND[0]), wanted)
    if pd.Timestamp(wanted) in vendor_bars.index and vendor_bars.at[pd.Timestamp(wanted), "volume"] > 0:
        return "; Yahoo has a bar with trading for it: if there was a session, document it in data/corrections.yml"
    return ""


def _refuse(symbol: str, market: Judged, needed: pd.DatetimeIndex) -> None:
    """Raise SourceError with the first doubt that decides what is computed from the sessions `needed`."""
    if market.begun and needed[0].date() < market.begun:
        raise SourceError(
            f"{symbol} was not listed before {market.begun}, Yahoo's first day of it: there is no close of "
            f"{needed[0]:%Y-%m-%d} to compute with; choose a later day"
        )
    for day in needed.intersection(list(market.faults.bars)):
        why, what = market.faults.bars[day].why, _help(market.faults.bars[day])
        yahoo.forget(symbol)
        raise SourceError(
            f"Yahoo's bar of {symbol} for {day:%Y-%m-%d} cannot be computed with: {why}; {DOCUMENT.format(what)} "
            f"(Yahoo's bar as an entry has it: `seen: {_as_entry(market.vendor_bars, day)}`)"
        )
    between = market.faults.breaks | market.faults.ratios
    for day in sorted(day for day in between if needed[0] < day <= needed[-1]):
        yahoo.forget(symbol)
        raise SourceError(
            f"no change of {symbol} from {needed[0]:%Y-%m-%d} to {needed[-1]:%Y-%m-%d} can be computed across "
            f"{day:%Y-%m-%d}: {between[day].why}; {DOCUMENT.format(_help(between[day]))}"
        )


def _as_entry(vendor_bars: pd.DataFrame, day: pd.Timestamp) -> str:
    """The vendor's bar of a day, as traded, as an entry of `corrections` names it."""
    if day not in vendor_bars.index:
        return "null"
    close = vendor_bars.at[day, "close"]
    return f"{{close: {'null' if pd.isna(close) else close}, volume: {vendor_bars.at[day, 'volume']:.0f}}}"


def _help(fault: Fault) -> str:
    """What can be documented against a fault."""
    return {
        "missing": "a correction, or that there was no session,",
        "closed": "that there was a session, or a correction,",
        "split": "what the split was, or a correction,",
        "ratio": "what the split was, or a correction,",
    }.get(fault.kind, "a correction")


def _notices(symbol: str, market: Judged, window: pd.DatetimeIndex, needed: pd.DatetimeIndex) -> list[str]:
    """What is left out of the `window` as a whole or is in doubt there, many days of a kind in one sentence."""
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
    """What single prices are left out of the `window`: of days `needed` each, of others many in one sentence."""
    notices: list[str] = []
    for name in PRICES[:-1]:
        cells = [(day, fault) for (day, column), fault in sorted(faults.cells.items()) if column == name and day in window]
        groups = [[(day, fault)] for day, fault in cells if day in needed]
        groups.append([(day, fault) for day, fault in cells if day not in needed])
        for group in groups:
            notices += _summed_up(f"{symbol}: Yahoo's {{}} left out: {{}}.", name, group)
    return notices


def documented(symbol: str, sessions: Sessions, window: pd.DatetimeIndex) -> list[str]:
    """What is documented of the sessions from the first to the last day of `window`, a sentence each."""
    return [
        f"{symbol}: {day} {'was' if entry.held else 'was not'} a session, as documented: {entry.reason}."
        for day, entry in sorted(sessions.documented.items())
        if window[0] <= pd.Timestamp(day) <= window[-1]
    ]


def _summed_up(sentence: str, thing: str, faults: Iterable[tuple[pd.Timestamp, Fault]]) -> list[str]:
    """A sentence for each kind of fault: of a day, or of several with the reason for the first."""
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
    """The bars of the `window`; those that are in doubt have no prices."""
    shown = market.bars.copy()
    shown.loc[shown.index.isin(list(market.faults.bars)), PRICES] = float("nan")
    for day, name in market.faults.cells:
        shown.at[day, name] = float("nan")
    return shown.reindex(window).rename_axis("date")


def intraday(symbol: str, on: date) -> tuple[pd.DataFrame, list[str]]:
    """The five-minute bars of the session `on` that are in no doubt, and what a reader must be told of the others.

    Raises NoBarsError where Yahoo keeps none, and SourceError as `yahoo.daily` does.
    """
    five_minutes = yahoo.five_minutes(symbol, on)
    day, market = pd.Timestamp(on), judged(symbol, on, on, basis=on)
    known = [five_minutes["close"].median()]
    if day in market.bars.index and day not in market.faults.bars:
        known = [market.bars.at[day, name] for name in ("open", "close") if (day, name) not in market.faults.cells]
    faults = bars.judge_intraday(five_minutes, known)
    if not faults:
        return five_minutes, []
    (first, fault), count = (
        next(iter(faults.items())),
        f"{len(faults)} of Yahoo's {len(five_minutes)} five-minute bars for {on}",
    )
    notice = f"{symbol}: {count} are left out; of the first, of {first:%H:%M} UTC: {fault.why}."
    return five_minutes.drop(index=list(faults)), [notice]


def share_count(symbol: str, on: date, since: date, basis: date) -> counts.Count:
    """Yahoo's last share count from `since` to `on`, in shares of the day `basis`, and what a reader must be told of it.

    Raises SourceError where there is none, where the counts or the splits between them contradict each other, or as
    `yahoo.daily` does.
    """
    dated = yahoo.share_counts(symbol, since, on + LATER)["shares"]
    days = dated.loc[: str(on)].index
    if days.empty:
        raise SourceError(f"Yahoo has no share count of {symbol} from {since} to {on}")
    so_far = yahoo.daily(symbol, days[0].date(), basis)["split"].cumprod()
    shares = [_last(so_far, basis) / _last(so_far, day.date()) for day in dated.index]
    count = counts.judge(symbol, dated * shares, on)
    carried(symbol, count.as_of, basis)
    return count


def _last(splits: pd.Series, day: date) -> float:
    """The last value up to a day, 1 before the first."""
    known = splits.loc[: str(day)]
    return float(known.iloc[-1]) if len(known) else 1.0


def carried(symbol: str, day: date, until: date) -> float:
    """How many shares one share of `day` had become by the day `until`.

    Raises DoubtfulSplitError where a split since is in doubt, or where the closes jump as by one that is not listed; also
    where a ratio that is listed later is no split's: what the share was worth on the day `until` can then not be told.
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
