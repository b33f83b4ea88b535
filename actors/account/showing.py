"""What rules say for people alone: how much of their limits is used up, and what they do not know.

Pure. Nothing is decided by it, so a rule that fails at it harms nothing else: what it would have said is
left out, the status says that it is not known and why, and the account alarms it once.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from actors.account.settings import RuleSetting
from actors.account.turn import Turn
from actors.rules.rule import Caveat
from messages.values import AccountView, AlarmCode, LimitUse


@dataclass(slots=True)
class Showing:
    """The words of one account's rules, and who failed to find any."""

    _unsaid: list[str] = field(default_factory=list)
    _said: set[str] = field(default_factory=set)
    """Failures that are alarmed, or will be with the next turn."""

    def limits(
        self, rules: Iterable[RuleSetting], view: AccountView
    ) -> tuple[tuple[LimitUse, ...], tuple[str, ...]]:
        """Return how much of each limit is used up, and what cannot be told of it."""
        found: list[LimitUse] = []
        unknown: list[str] = []
        for each in rules:
            if usage := each.rule.usage:
                uses, failure = _tried(each, "its limits", partial(usage, view, each.parameters))
                found += uses
                unknown += failure
        self._note(unknown)
        return tuple(found), tuple(unknown)

    def caveats(self, rules: Iterable[RuleSetting], now: datetime) -> list[Caveat]:
        """Return what the rules do not know at an instant, and what they do instead."""
        found: list[Caveat] = []
        for each in rules:
            if caveats := each.rule.caveats:
                said, failure = _tried(each, "its caveats", partial(caveats, each.parameters, now))
                found += [(code, f"{each.rule.id}: {text}") for code, text in said]
                found += [(AlarmCode.RULE_FAILED, text) for text in failure]
        return found

    def say(self, turn: Turn, rules: Iterable[RuleSetting]) -> None:
        """Say what the rules do not know today, and what they do instead."""
        for code, text in self.caveats(rules, turn.now):
            turn.alarm(code, text)

    def note(self, turn: Turn) -> None:
        """Alarm what somebody who looked has found to fail since the last turn."""
        unsaid, self._unsaid = self._unsaid, []
        for text in unsaid:
            turn.alarm(AlarmCode.RULE_FAILED, text)

    def _note(self, failures: Iterable[str]) -> None:
        news = [text for text in failures if text not in self._said]
        self._said.update(news)
        self._unsaid += news


def _tried[T](
    setting: RuleSetting, what: str, ask: Callable[[], tuple[T, ...]]
) -> tuple[tuple[T, ...], list[str]]:
    """Return what a rule says, or else the failure."""
    try:
        return ask(), []
    except Exception as error:  # noqa: BLE001 - one rule's bug must not stop the account
        name = type(error).__name__
        return (), [
            f"{setting.rule.id}: {what} are not known: {name}: {error}; it judges all the same"
        ]
