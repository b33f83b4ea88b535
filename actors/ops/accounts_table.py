"""The accounts as a table that fits: on a narrow screen columns are left out, and no number is ever cut.

Printed by `status`. Half of an amount is another amount, so what goes first is what is said elsewhere:
the name beside the id, a health that is told below the table where it is not live.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from math import floor
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from messages.queries import AccountStatus
from messages.values import Health, LimitUse, Phase

PHASES = {
    Phase.STARTING: "yellow",
    Phase.OPEN: "green",
    Phase.ENFORCING: "bold red",
    Phase.LOCKED: "bold magenta",
}
_HEALTHS = {Health.LIVE: "green", Health.STALE: "bold yellow", Health.UNKNOWN: "bold red"}
_NEAR, _HALF = Decimal("0.8"), Decimal("0.5")
_GAP = 2
_WRAPS_AT = 14
"""What an account holds may take several lines of this width."""


class _Column(NamedTuple):
    name: str
    cell: Callable[[AccountStatus], Text]
    leaves: int
    """The lowest leaves first where it is narrow; 0 = never."""
    is_number: bool = False

    def width(self, accounts: Iterable[AccountStatus]) -> int:
        """Return what it needs, with the gap behind it."""
        widest = max((self.cell(each).cell_len for each in accounts), default=0)
        most = _WRAPS_AT if self.name == "holds" else widest
        return max(len(self.name), min(widest, most)) + _GAP


class Fitted:
    """A table of these accounts, as wide as the screen allows."""

    def __init__(self, accounts: tuple[AccountStatus, ...]) -> None:
        self._accounts = accounts

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table with the columns that fit."""
        columns = self._fitting(options.max_width)
        table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim")
        for column in columns:
            justify = "right" if column.is_number else "left"
            table.add_column(column.name, no_wrap=column.name != "holds", justify=justify)  # type: ignore[arg-type]
        for each in self._accounts:
            table.add_row(*(column.cell(each) for column in columns))
        yield table

    def _fitting(self, width: int) -> list[_Column]:
        measured = any(each.limits for each in self._accounts)
        columns = [each for each in _COLUMNS if measured or each.cell is not _nearest]
        while sum(each.width(self._accounts) for each in columns) > width:
            first = min((each for each in columns if each.leaves), key=_leaves, default=None)
            if first is None:
                break
            columns.remove(first)
        return columns


def phase_of(each: AccountStatus) -> str:
    """Return where an account is, and that it is only watched if it is."""
    return f"SHADOW {each.phase}" if each.shadow else each.phase


def money(amount: Decimal | None) -> str:
    """Return dollars, or that they are not known."""
    return "unknown" if amount is None else f"${amount:,.2f}"


def holds(each: AccountStatus) -> str:
    """Return positions and working orders; empty = flat."""
    held = [f"{position.size} {position.product}" for position in each.positions]
    orders = "order" if each.working_orders == 1 else "orders"
    return ", ".join(held + [f"{each.working_orders} {orders}"] * bool(each.working_orders))


def nearest_limit(each: AccountStatus) -> LimitUse | None:
    """Return the limit of which most is used; a target counts where no loss is as near."""
    return max(each.limits, key=lambda use: (use.share, not use.target), default=None)


def _leaves(column: _Column) -> int:
    return column.leaves


def _coloured(amount: Decimal | None) -> Text:
    if amount is None:
        return Text(money(amount), style="bold yellow")
    return Text(money(amount), style="red" if amount < 0 else "green" if amount > 0 else "")


def _nearest(each: AccountStatus) -> Text:
    use = nearest_limit(each)
    if use is None:
        return Text("")
    style = "" if use.target or use.share < _HALF else "red" if use.share >= _NEAR else "yellow"
    return Text(f"{floor(use.share * 100)} % {use.what}", style=style)


_COLUMNS = (
    _Column("account", lambda each: Text(str(each.account)), 0),
    _Column("name", lambda each: Text(each.name), 1),
    _Column("phase", lambda each: Text(phase_of(each), style=PHASES[each.phase]), 0),
    _Column("health", lambda each: Text(each.health, style=_HEALTHS[each.health]), 2),
    _Column("realised", lambda each: _coloured(each.realised_usd), 0, is_number=True),
    _Column("open", lambda each: _coloured(each.open_usd), 4, is_number=True),
    _Column("nearest limit", _nearest, 3),
    _Column("holds", lambda each: Text(holds(each)), 0),
)
