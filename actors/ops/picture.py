"""What `status --watch` draws each second: never more than the screen holds, the worst never cut off.

What is wrong stands at the top. Where not all accounts fit, those that need attention come first, then
those nearest to a limit, and how many are left out is said.
"""

from collections.abc import Callable, Collection, Iterable
from decimal import Decimal
from functools import partial

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.segment import Segment
from rich.text import Text

from actors.ops.accounts_table import Fitted, nearest_limit
from actors.ops.protection import Kind, holes
from actors.ops.status_table import head_of, notes_of, wrong_in
from messages.queries import AccountStatus, SystemStatus
from messages.values import Health, Phase

_FEWEST = 3
"""So many accounts are shown on any screen."""

type _Lines = list[list[Segment]]


class Picture:
    """How every account stands, in as many lines as there are."""

    def __init__(self, status: SystemStatus, note: str = "") -> None:
        self._status = status
        self._note = note

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines that fit."""

        def drawn(*parts: Text | Fitted) -> _Lines:
            return console.render_lines(Group(*parts), options, pad=False)

        status, height = self._status, console.height - 1
        note = [Text(self._note, style="bold red")] if self._note else []
        top = _cut(drawn(head_of(status), *note, *wrong_in(status)), max(3, height // 2), drawn)
        room = height - len(top)
        table = drawn(Fitted(status.accounts))
        notes = _notes(status.accounts, status)
        below = drawn(*notes) if notes else []
        if len(table) + len(below) > room:
            count = max(_FEWEST, room - 2 - min(len(below), room // 3))
            exposed = {each.account for each in holes(status) if each.kind is Kind.EXPOSED}
            ranked = tuple(sorted(status.accounts, key=partial(_rank, exposed))[:count])
            left = len(status.accounts) - len(ranked)
            more = [Text(f"and {left} more accounts, none of them worse")] if left else []
            table = drawn(Fitted(ranked), *more)
            notes = _notes(ranked, status)
            below = _cut(drawn(*notes), max(0, room - len(table)), drawn) if notes else []
        for line in [*top, *table, *below]:
            yield from line
            yield Segment.line()


def _notes(accounts: Iterable[AccountStatus], status: SystemStatus) -> list[Text]:
    return [note for each in accounts for note in notes_of(each, status.at)]


def _cut(lines: _Lines, most: int, drawn: Callable[[Text], _Lines]) -> _Lines:
    """Return so many lines; the last says how many there were more."""
    if len(lines) <= most:
        return lines
    return (
        [*lines[: most - 1], *drawn(Text(f"and {len(lines) - most + 1} more lines"))]
        if most
        else []
    )


def _rank(exposed: Collection[int | None], each: AccountStatus) -> tuple[bool, bool, Decimal]:
    """Return what sorts the worst first: who is not flat in time, though it must be, before all."""
    calm = each.health is Health.LIVE and each.phase in {Phase.OPEN, Phase.LOCKED}
    use = nearest_limit(each)
    return each.account not in exposed, calm, -(use.share if use and not use.target else Decimal(0))
