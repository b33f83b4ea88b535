"""Rebuilding an account from its events, and comparing every part of it with the one that lived."""

from dataclasses import fields, replace
from datetime import timedelta

from actors.account.state import AccountState
from messages.events import DayReset, Event
from tests.account.world import ACCOUNT, DAY

_OF_THE_DAY = frozenset(
    {"trading_date", "ledger", "trades", "skipped", "served", "terms", "adopted"}
)


def rebuilt(events: list[Event]) -> AccountState:
    """Return an account as these events make it."""
    state = AccountState.new(ACCOUNT, DAY, gross=False)
    for event in events:
        state.evolve(event)
    return state


def since_reset(events: list[Event]) -> list[Event]:
    """Return what a restarted actor is given: the last `DayReset` and what came after it."""
    resets = [at for at, each in enumerate(events) if isinstance(each, DayReset)]
    return events[resets[-1] :]


def differences(one: AccountState, other: AccountState) -> dict[str, tuple[object, object]]:
    """Return the parts in which two accounts differ, both values each; what is only worked out apart."""
    pairs = {
        each.name: (getattr(one, each.name), getattr(other, each.name))
        for each in fields(one)
        if each.compare
    }
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def forgotten_at_reset(events: list[Event]) -> dict[str, tuple[object, object]]:
    """Return what an account knew just before its last reset, and no longer does just after."""
    at = events.index(since_reset(events)[0])
    before, after = rebuilt(events[:at]), rebuilt(events[at : at + 1])
    there = before.positions.keys() | before.orders.keys()
    recent = events[at].at - timedelta(minutes=1)  # a read asked for earlier may still come
    before.seen_at = {
        key: told for key, told in before.seen_at.items() if key in there or told > recent
    }
    if (
        before.enforcement and after.enforcement
    ):  # what would have ended with the day does not follow
        before.enforcement = replace(before.enforcement, pending=after.enforcement.pending)
    return {
        name: pair for name, pair in differences(before, after).items() if name not in _OF_THE_DAY
    }
