"""The outer ring: the loss limit in the firm's own platform, which holds when nothing here runs.

Nobody can read it, so its user confirms it: `platform_loss_limit_confirmed` is the day on which he looked
at the limit in the platform, for the account, its profile, or all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from actors.ops.doctor.finding import Check, Finding, several

RING = Check(
    "outer ring", "when this machine is off, only the loss limit in the firm's platform still holds"
)
_GOOD_DAYS = 90
_FIX = (
    "set the daily loss limit in the firm's platform, look at it, and write the day into "
    "platform_loss_limit_confirmed"
)


@dataclass(frozen=True, slots=True)
class RingRead:
    """When one account's limit in the platform was looked at last."""

    account: str
    """Whose, e.g. `13298777 (50K-ONE)`."""
    confirmed: date | None
    """The day; None = never."""


def judge_ring(reads: tuple[RingRead, ...], now: datetime) -> Iterator[Finding]:
    """Judge every account; those that stand alike are one finding."""
    alike: dict[str, list[str]] = {}
    for each in reads:
        alike.setdefault(_doubt(each.confirmed, now.date()), []).append(each.account)
    good = alike.pop("", [])
    for what, accounts in alike.items():
        yield RING.warning(what, fix=_FIX, about=several(accounts))
    if good:
        yield RING.ok(f"confirmed for {len(good)} accounts within {_GOOD_DAYS} days")


def _doubt(confirmed: date | None, today: date) -> str:
    if confirmed is None:
        return "nobody has confirmed it"
    if confirmed > today:
        return f"confirmed on {confirmed}, which is still to come"
    if (today - confirmed).days > _GOOD_DAYS:
        return f"last confirmed on {confirmed}, over {_GOOD_DAYS} days ago"
    return ""
