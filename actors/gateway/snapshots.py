"""Reading one account completely: everything or `SnapshotFailed`, nothing in between.

What verifies an enforcement is let out as a whole, so that no half of it is sent in vain; where the
request budget has no room, whoever asks is told when to come again.
"""

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from actors.gateway.budget import Priority
from actors.gateway.errors import (
    MalformedAnswerError,
    NoBudgetError,
    ReadFailedError,
    first_error,
)
from actors.gateway.outbox import Outbox
from messages.commands import TakeSnapshot
from messages.facts import SnapshotFailed, SnapshotTaken

if TYPE_CHECKING:
    from actors.gateway.client import BrokerClient  # importing the SDK costs a second

_SHORT, _LONG = 2, 4
"""Requests of a snapshot: positions and orders; and fills and the account's record."""

type Read[T] = Coroutine[Any, Any, T]


async def take_snapshot(
    client: "BrokerClient", outbox: Outbox, command: TakeSnapshot, generation: int
) -> SnapshotTaken | SnapshotFailed:
    """Read positions and orders, and fills and the account's record if asked for, all at once."""
    try:
        async with asyncio.timeout(command.deadline_s):
            if not command.urgent:
                return await _read_all(client, outbox, command, generation)
            async with client.verifying(
                _SHORT if command.trades_since is None else _LONG,
                within_s=command.deadline_s,
                exposure_usd=command.exposure_usd,
            ):
                return await _read_all(client, outbox, command, generation)
    except NoBudgetError as error:
        return failed(command, outbox, str(error), retry_after_s=error.retry_after_s)
    except TimeoutError:
        return failed(command, outbox, f"not complete within {command.deadline_s:g} s")
    except MalformedAnswerError as error:
        outbox.quarantine(error.source, error.raw, error.error)
        return failed(command, outbox, str(error))
    except ReadFailedError as error:
        return failed(command, outbox, str(error))


def failed(
    command: TakeSnapshot, outbox: Outbox, reason: str, *, retry_after_s: float | None = None
) -> SnapshotFailed:
    """Say that a snapshot proves nothing."""
    return SnapshotFailed(
        account=command.account,
        at=outbox.clock.now(),
        cause=f"snapshot/{command.request_id}",
        request_id=command.request_id,
        reason=outbox.blot(reason),
        retry_after_s=retry_after_s,
    )


async def _read_all(
    client: "BrokerClient", outbox: Outbox, command: TakeSnapshot, generation: int
) -> SnapshotTaken:
    # Before the first read, even if it has to queue: a snapshot never claims to be newer than it is.
    requested_at = outbox.stamp()
    account, since = command.account, command.trades_since
    priority = Priority.URGENT_READ if command.urgent else Priority.READ
    how: dict[str, Any] = {
        "priority": priority,
        "within_s": command.deadline_s,
        "paid": command.urgent,
    }
    positions, orders, fills, record = await _together(
        client.positions(account, **how),
        client.working_orders(account, **how),
        _nothing() if since is None else client.fills(account, since, **how),
        _nothing() if since is None else client.account_record(account, **how),
    )
    return SnapshotTaken(
        account=account,
        at=outbox.clock.now(),
        cause=f"snapshot/{command.request_id}",
        request_id=command.request_id,
        generation=generation,
        requested_at=requested_at,
        positions=positions,
        orders=orders,
        fills=fills,
        can_trade=None if record is None else record.can_trade,
        balance_usd=None if record is None else record.balance_usd,
    )


async def _together[A, B, C, D](
    first: Read[A], second: Read[B], third: Read[C], fourth: Read[D]
) -> tuple[A, B, C, D]:
    """Await four reads at once; the first failure cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as tasks:
            one, two = tasks.create_task(first), tasks.create_task(second)
            three, four = tasks.create_task(third), tasks.create_task(fourth)
    except BaseExceptionGroup as group:
        raise first_error(group) from None
    return one.result(), two.result(), three.result(), four.result()


async def _nothing() -> None:
    """Stand in for a read that was not asked for."""
