"""What a gateway does by itself, again and again: fresh token, warm connection, slow reconciliation."""

import asyncio
import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from actors.gateway.errors import GatewayError
from actors.gateway.outbox import Outbox
from messages.commands import ReconcileAccount

if TYPE_CHECKING:
    from actors.gateway.client import BrokerClient  # importing the SDK costs a second

_LOOK_EVERY_S = 5.0
_WARM_FOR_S = 25.0
# The HTTP client drops a connection that was idle for 60 s.
_ATTEMPT_S = 5.0


async def keep_session(
    client: "BrokerClient", outbox: Outbox, look_every_s: float = _LOOK_EVERY_S
) -> None:
    """Replace the token well before it expires, and never let the connection go cold; for ever."""
    while True:
        await asyncio.sleep(look_every_s)
        try:
            await client.refresh_if_due()
            if outbox.clock.monotonic() - client.last_request_at >= _WARM_FOR_S:
                await client.keep_warm(within_s=_ATTEMPT_S)
        except GatewayError:
            # A failed ping had only to be tried. A failed refresh has raised the session's alarm, and
            # the old token is good for hours yet.
            continue


async def summarise(outbox: Outbox, look_every_s: float = _LOOK_EVERY_S) -> None:
    """Tell what the quarantine only counted, once each period is over; for ever."""
    while True:
        await asyncio.sleep(look_every_s)
        outbox.summarise_quarantine()


async def reconcile_in_turn(accounts: Iterable[int], outbox: Outbox, every_s: float) -> None:
    """Ask one account after another to compare itself with the broker; for ever."""
    for turn in itertools.count():
        await asyncio.sleep(every_s)
        known = tuple(accounts)
        if known:
            account, now = known[turn % len(known)], outbox.clock.now()
            outbox.to_account(ReconcileAccount(account=account, at=now, cause="reconcile"))
