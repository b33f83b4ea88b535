"""RULE-008 NoStopLossGrace: a position without a stop for its whole size is closed after the grace.

Judged on a picture that was read from the broker at or after the end of the grace, since a stop set in
the broker's own platform may send no event. A broker that cannot be read is no excuse: unknown is not
safe.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from actors.rules.rule import Rule, always, positive
from actors.rules.strictness import lower
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    FactKind,
    FlatContract,
    OpenPosition,
    Parameters,
)

_READ_WITHIN = timedelta(seconds=5)
"""How long after the end of the grace the broker may take to show a stop."""
_LONGEST_S = 86_400


class NoStopLossGrace(Parameters, frozen=True):
    """Time to place a stop."""

    grace_s: float = 10
    """Seconds a position may be without stops for its whole size; exactly then it is closed."""


def _evaluate(view: AccountView, parameters: NoStopLossGrace) -> Breach | None:
    bare = {
        each: end
        for each in view.positions
        if (end := _end(each, parameters)) is not None and _is_over(view, end)
    }
    if not bare:
        return None
    unread = not all(_was_read(view, end) for end in bare.values())
    grace = f"{parameters.grace_s:g}"
    since = min(bare.values()) - timedelta(seconds=parameters.grace_s)
    seconds = Decimal(str((view.at - since).total_seconds()))
    what = ", ".join(f"{each.position.contract} {each.position.size:+d}" for each in bare)
    blind = "; the broker could not be read, so no stop is proven" if unread else ""
    return Breach(
        rule=RULE.id,
        code=BreachCode.NO_STOP_LOSS,
        value=seconds,
        limit=Decimal(grace),
        reason=f"No stop loss for the whole size of {what} (grace: {grace} s){blind}",
        measure=f"Without a stop: {seconds:.1f} s, Grace: {grace} s",
        targets=tuple(FlatContract(contract=each.position.contract) for each in bare),
    )


def _end(held: OpenPosition, parameters: NoStopLossGrace) -> datetime | None:
    """Return when a position's grace is over; None while it is protected."""
    if held.unprotected_since is None:
        return None
    return held.unprotected_since + timedelta(seconds=parameters.grace_s)


def _was_read(view: AccountView, end: datetime) -> bool:
    return view.read_at is not None and view.read_at >= end


def _is_over(view: AccountView, end: datetime) -> bool:
    return view.at >= end and (_was_read(view, end) or view.at >= end + _READ_WITHIN)


def _next_check(view: AccountView, parameters: NoStopLossGrace) -> datetime | None:
    """Return the next end of a grace, or of the time in which the broker must have been read."""
    ends = [end for each in view.positions if (end := _end(each, parameters)) is not None]
    moments = (
        moment
        for end in ends
        for moment in (end, end + _READ_WITHIN)
        if moment > view.at and not _was_read(view, end)
    )
    return min(moments, default=None)


def _check(parameters: NoStopLossGrace) -> list[str]:
    found = positive("grace_s", parameters.grace_s)
    if parameters.grace_s > _LONGEST_S:
        found.append(f"grace_s: must be at most {_LONGEST_S} (a day), not {parameters.grace_s:g}")
    return found


RULE = Rule(
    id="RULE-008",
    key="no_stop_loss_grace",
    name="NoStopLossGrace",
    parameters=NoStopLossGrace,
    listens=always(FactKind.CLOCK),
    evaluate=_evaluate,
    describe=lambda parameters: (
        f"a position without stops for its whole size for {parameters.grace_s:g} s: closed"
    ),
    check=_check,
    next_check=_next_check,
    reads_first=True,
    strictness={"grace_s": lower},
)
