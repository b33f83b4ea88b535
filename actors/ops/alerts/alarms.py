"""Alarms: the first of its kind is told at once, those of other accounts soon after, together.

Pure. The same alarm of the same account again is only counted, in the digest, until it has been quiet for
a while. What the table calls INFO goes to the digest at once.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.saying import Lesser, Said
from actors.ops.alerts.tiers import ALARMS, INFO
from actors.ops.alerts.wording import Names, clean
from messages.alerts import Notice
from messages.events import AlarmRaised
from messages.values import AlarmCode

QUIET = timedelta(minutes=30)
"""After so long without it, the same alarm of the same account is told anew."""
GATHER = timedelta(seconds=30)
"""Further accounts with the same alarm are told together, at most so often."""


@dataclass(slots=True)
class _Kind:
    """One kind of alarm that was told lately."""

    told: datetime
    waiting: list[AlarmRaised] = field(default_factory=list)


@dataclass(slots=True)
class Alarms:
    """What was alarmed lately."""

    names: Names
    _seen: dict[tuple[AlarmCode, int | str], datetime] = field(default_factory=dict)
    _kinds: dict[AlarmCode, _Kind] = field(default_factory=dict)

    def note(self, event: AlarmRaised, now: datetime) -> list[Said]:
        """Take in an alarm; return what is to be told at once."""
        severity, key = ALARMS[event.code], (event.code, event.account or _whose(event.text))
        seen, self._seen[key] = self._seen.get(key), now
        if severity is None:
            return []
        if severity is INFO or (seen is not None and now - seen < QUIET):
            return [Lesser(event.code, clean(event.text), event.account)]
        kind = self._kinds.get(event.code)
        if kind is None or (now - kind.told >= GATHER and not kind.waiting):
            self._kinds[event.code] = _Kind(now)
            return [self._notice([event], now)]
        kind.waiting.append(event)
        return []

    def tick(self, now: datetime) -> list[Said]:
        """Tell together what has gathered; forget what has been quiet for long."""
        said: list[Said] = []
        for kind in self._kinds.values():
            if kind.waiting and now - kind.told >= GATHER:
                said.append(self._notice(kind.waiting, now))
                kind.told, kind.waiting = now, []
        self._seen = {key: at for key, at in self._seen.items() if now - at < QUIET}
        return said

    def _notice(self, events: list[AlarmRaised], now: datetime) -> Notice:
        first = events[0]
        severity = ALARMS[first.code]
        assert severity is not None, first.code  # noqa: S101 - others never wait
        accounts = [each.account for each in events if each.account is not None]
        where = f" {self.names.some(accounts)}" if accounts else ""
        lines = [clean(each.text) for each in events[:10]]
        more = len(events) - len(lines)
        return Notice(
            at=now,
            severity=severity,
            title=f"{first.code}{where}",
            lines=(*lines, *([f"and {more} more"] if more else [])),
            account=first.account if len(events) == 1 else None,
        )


def _whose(text: str) -> str:
    """Return the first words of an alarm that names no account: whose it is, without figures."""
    first, *more = text.split()[:4] or [""]
    return " ".join([first, *(each for each in more if not each[0].isdigit())])
