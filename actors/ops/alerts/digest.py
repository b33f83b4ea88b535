"""Lesser things, counted by kind and told together, every so often. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from actors.ops.alerts.saying import Lesser
from actors.ops.alerts.wording import Names, clean
from messages.alerts import Notice, Severity

_SHOWN = 20


@dataclass(slots=True)
class _Kind:
    count: int = 0
    accounts: dict[int, None] = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class Digest:
    """What waits to be told."""

    names: Names
    every: timedelta
    _kinds: dict[str, _Kind] = field(default_factory=dict)
    _since: datetime | None = None

    def add(self, lesser: Lesser, now: datetime) -> None:
        """Keep one more."""
        self._since = self._since or now
        kind = self._kinds.setdefault(lesser.kind, _Kind())
        kind.count, kind.text = kind.count + 1, lesser.text or kind.text
        if lesser.account is not None:
            kind.accounts[lesser.account] = None

    def tick(self, now: datetime) -> list[Notice]:
        """Tell all of it, if the first has waited long enough."""
        if self._since is None or now - self._since < self.every:
            return []
        kinds = sorted(self._kinds.items(), key=lambda each: -each[1].count)
        lines = [self._line(name, kind) for name, kind in kinds[:_SHOWN]]
        if more := len(kinds) - len(lines):
            lines.append(f"and {more} more kinds; the log has all of them")
        total = sum(kind.count for _, kind in kinds)
        title = f"Digest since {self._since:%H:%M} UTC: {total} lesser things"
        self._kinds, self._since = {}, None
        return [Notice(at=now, severity=Severity.INFO, title=title, lines=tuple(lines))]

    def _line(self, name: str, kind: _Kind) -> str:
        who = f", {self.names.some(list(kind.accounts), 3)}" if kind.accounts else ""
        text = f": {kind.text}" if kind.text else ""
        return clean(f"{kind.count} x {name}{who}{text}")
