"""What a dashboard shows of an account beyond its status: every limit, what is held, what works. Pure.

Asked now and then by people who look; nothing is decided by it. Each rule measures by itself how far the
account is from its limits, on the very picture it would judge.
"""

from actors.account.settings import AccountSettings
from actors.account.state import AccountState
from messages.queries import AccountBoard, AccountStatus
from messages.values import AccountView


def board_of(
    settings: AccountSettings, state: AccountState, status: AccountStatus, view: AccountView
) -> AccountBoard:
    """Return all that is shown of an account."""
    return AccountBoard(
        status=status,
        rules=tuple(each.line for each in settings.rules),
        holdings=view.positions,
        orders=view.orders,
        can_trade=state.can_trade,
        next_reset=view.next_reset,
    )
