"""RULE-010 AuthLossGuard: an account that may not trade is flat, and locked until the firm lets it."""

from decimal import Decimal

from actors.rules.rule import Rule, account_lock, always, positive
from actors.rules.strictness import lower
from messages.values import (
    AccountView,
    Breach,
    BreachCode,
    FactKind,
    FlatAccount,
    Parameters,
    ReleaseOn,
)

_SHORTEST_S, _LONGEST_S = 1, 3600
"""Every poll costs one request of the login's budget; beyond an hour it guards nothing."""


class AuthLossGuard(Parameters, frozen=True):
    """How the firm's flag is watched."""

    poll_s: float = 30
    """Seconds between polls of `canTrade`, one request per login; a push counts at once."""


def _evaluate(view: AccountView, _parameters: AuthLossGuard) -> Breach | None:
    if view.can_trade is not False:
        return None  # None: it was not told, which the account has alarmed
    return Breach(
        rule=RULE.id,
        code=BreachCode.CANNOT_TRADE,
        value=Decimal(0),
        limit=Decimal(1),
        reason="The broker does not let this account trade (canTrade is false)",
        measure="canTrade: false, Required: true",
        targets=(FlatAccount(),),
        lockouts=(account_lock(None, ReleaseOn.CAN_TRADE),),
    )


def _check(parameters: AuthLossGuard) -> list[str]:
    found = positive("poll_s", parameters.poll_s)
    if not found and not _SHORTEST_S <= parameters.poll_s <= _LONGEST_S:
        found.append(
            f"poll_s: must be from {_SHORTEST_S} to {_LONGEST_S} s, not {parameters.poll_s:g}"
        )
    return found


RULE = Rule(
    id="RULE-010",
    key="auth_loss_guard",
    name="AuthLossGuard",
    parameters=AuthLossGuard,
    listens=always(FactKind.ACCOUNT),
    evaluate=_evaluate,
    describe=lambda parameters: (
        f"canTrade is false (pushed, or polled every {parameters.poll_s:g} s): flat and locked until "
        "the broker says it is true"
    ),
    check=_check,
    poll_s=lambda parameters: parameters.poll_s,
    strictness={"poll_s": lower},
)
