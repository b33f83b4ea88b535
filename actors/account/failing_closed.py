"""A rule that cannot judge an account for too long: flat and locked to the reset, if so configured.

Pure. What counts is how long a rule has owed a verdict (`unjudged.py`) while it could be asked. Under a
flat duty it cannot: what is still owed after one, that which came of it included, is counted anew. Every
turn says again what is owed, so there is no beginning or end that could be missed.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final

from actors.account.turn import Turn
from actors.rules.rule import account_lock
from messages.values import Breach, BreachCode, FlatAccount, ReleaseOn

WOKEN: Final = "failclosed"


@dataclass(slots=True)
class _Episode:
    """One rule's time without a verdict."""

    since: datetime
    token: str
    """Tells its wake from that of an earlier one."""
    after_s: float | None = None
    """What it is woken by; None = it is not."""

    def key(self, rule: str) -> str:
        """Return what it is woken under."""
        return f"{WOKEN} {rule} {self.token}"


@dataclass(slots=True)
class FailingClosed:
    """Since when rules have owed one account a verdict, and until when that is borne."""

    _episodes: dict[str, _Episode] = field(default_factory=dict)

    def follow(self, turn: Turn, owing: Collection[str], after_s: float | None) -> None:
        """Count for the rules that owe a verdict now, and no others; `after_s` None = for ever."""
        if not owing and not self._episodes:  # as a rule, and asked with every fact
            return
        for rule in sorted(self._episodes.keys() - set(owing)):
            self._arm(turn, rule, None)
            del self._episodes[rule]
        for rule in sorted(owing):
            self._episodes.setdefault(rule, _Episode(turn.now, turn.token))
            self._arm(turn, rule, after_s)

    def _arm(self, turn: Turn, rule: str, after_s: float | None) -> None:
        episode = self._episodes[rule]
        if after_s == episode.after_s:
            return
        episode.after_s = after_s
        if after_s is None:
            turn.cancel_wake(episode.key(rule))
            return
        past_s = max((turn.now - episode.since).total_seconds(), 0)
        turn.wake_after(episode.key(rule), max(after_s - past_s, 0))

    def due(self, rule: str, token: str, error: str, next_reset: datetime) -> Breach | None:
        """Return what comes of it when its time is over; None where it was answered meanwhile."""
        episode = self._episodes.get(rule)
        if episode is None or episode.token != token or episode.after_s is None:
            return None
        limit = Decimal(str(episode.after_s))
        return Breach(
            rule=rule,
            code=BreachCode.RULE_UNJUDGED,
            value=limit,
            limit=limit,
            reason=f"{rule} could not judge the account for {episode.after_s:g} s: {error}",
            measure=f"Not judged since {episode.since:%H:%M:%S} UTC, Limit: {episode.after_s:g} s",
            targets=(FlatAccount(),),
            lockouts=(account_lock(next_reset, ReleaseOn.RESET),),
        )


def stricter(held: float | None, file: float | None) -> float | None:
    """Return the shorter of two times; None = never."""
    return min((each for each in (held, file) if each is not None), default=None)


def change(before: float | None, after: float | None) -> tuple[str, ...]:
    """Say in one line what changes, if anything does."""
    if before == after:
        return ()
    return (f"lock_unjudged_after_s {_said(before)} → {_said(after)}",)


def _said(after_s: float | None) -> str:
    return "never" if after_s is None else f"{after_s:g}"
