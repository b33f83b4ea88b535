"""Many accounts breach at once, the request budget is short: worst first, no slot wasted, none too many.

Enforcer cores and the real budget on an event loop whose time only jumps; the broker fills at once.
"""

import asyncio
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest

from actors.enforcer.core import EnforcerCore
from actors.gateway.budget import Priority, RequestBudget
from actors.gateway.errors import NoBudgetError
from messages.commands import (
    ApplyLockout,
    BrokerCommand,
    CancelWake,
    CloseContract,
    Enforce,
    TakeSnapshot,
    WakeAfter,
    Woken,
)
from messages.events import BrokerCommandAnswered
from messages.facts import SnapshotFailed, SnapshotTaken
from messages.values import Done, FlatAccount, NotSent, Position
from tests.jumping_loop import JumpingLoop
from tests.rig import NOON

MNQ = "CON.F.US.MNQ.Z26"
QUEUEING_S, READ_S = 1.5, 1.5
# What the gateway lets a command and a read of 2.5 s wait for the budget.


class LoopClock:
    """The same time, as the budget asks for it."""

    def monotonic(self):
        return asyncio.get_running_loop().time()


class Storm:
    """Accounts that breach at once, their enforcers, and a broker behind one budget."""

    def __init__(self, stakes, *, requests, window_s, used=0):
        self.loop = asyncio.get_running_loop()
        self.budget = RequestBudget(clock=LoopClock(), requests=requests, window_s=window_s)
        for _ in range(used):
            self.budget.charge()
        self.stakes = stakes
        self.held = dict.fromkeys(range(len(stakes)), 1)
        self.sent = []
        """When each request reached the broker, and what it was."""
        self.closed_at = {}
        self.locked = set()
        self.wakes = defaultdict(dict)
        self.cores = {
            each: EnforcerCore(account=each, login="desk", epoch="1") for each in self.held
        }
        self.tasks = set()

    def now(self):
        return NOON + timedelta(seconds=self.loop.time())

    def breach(self, account):
        stake = self.stakes[account]
        order = Enforce(
            account=account,
            cause="test",
            at=self.now(),
            enforcement_id=f"{account}/e1",
            targets=(FlatAccount(),),
            deadline_at=self.now() + timedelta(seconds=5),
            known_positions=(MNQ,),
            known_orders=(),
            exposure_usd=None if stake is None else Decimal(stake),
        )
        self.tell(account, order)

    def tell(self, account, message):
        for _to, out in self.cores[account].handle(message, self.now()):
            match out:
                case BrokerCommand():
                    self.spawn(self.carry_out(out))
                case TakeSnapshot():
                    self.spawn(self.read(out))
                case WakeAfter():
                    self.wake(account, out)
                case CancelWake():
                    if timer := self.wakes[account].pop(out.key, None):
                        timer.cancel()
                case ApplyLockout(flat_confirmed=True):
                    self.locked.add(account)

    def spawn(self, work):
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def wake(self, account, order):
        if timer := self.wakes[account].pop(order.key, None):
            timer.cancel()
        woken = Woken(at=self.now(), cause="clock", key=order.key)
        self.wakes[account][order.key] = self.loop.call_later(
            order.after_s, self.tell, account, woken
        )

    async def carry_out(self, command):
        account = command.account
        try:
            await self.budget.take(
                Priority.CLOSE, within_s=QUEUEING_S, exposure_usd=command.exposure_usd
            )
        except NoBudgetError as error:
            outcome = NotSent(reason=str(error), retry_after_s=error.retry_after_s)
        else:
            self.sent.append((self.loop.time(), "close"))
            assert isinstance(command, CloseContract)
            assert self.held.pop(account, None), f"{account} was closed twice"
            self.closed_at[account] = self.loop.time()
            outcome = Done(order_id=None)
        head = {"account": account, "at": self.now(), "cause": "test"}
        answer = BrokerCommandAnswered(**head, command_id=command.command_id, outcome=outcome)
        self.tell(account, answer)

    async def read(self, order):
        head = {"account": order.account, "at": self.now(), "cause": "test"}
        head["request_id"] = order.request_id
        try:
            await self.budget.take(
                Priority.URGENT_READ, within_s=READ_S, exposure_usd=order.exposure_usd, count=2
            )
        except NoBudgetError as error:
            refused = SnapshotFailed(**head, reason=str(error), retry_after_s=error.retry_after_s)
            self.tell(order.account, refused)
            return
        self.sent += [(self.loop.time(), "read")] * 2
        held = Position(contract=MNQ, size=1, average_price=Decimal(21000))
        picture = SnapshotTaken(
            **head,
            generation=1,
            requested_at=head["at"],
            positions=(held,) if order.account in self.held else (),
            orders=(),
            fills=None,
            can_trade=None,
            balance_usd=None,
        )
        self.tell(order.account, picture)

    async def run(self, until_s):
        for account in self.stakes:
            self.breach(account)
        await asyncio.sleep(until_s)
        self.budget.close()


def played(stakes, *, until_s, **how):
    """Return the storm when it is over."""

    async def scene():
        storm = Storm(dict(enumerate(stakes)), **how)
        await storm.run(until_s)
        for task in storm.tasks:
            task.cancel()
        return storm

    loop = JumpingLoop()
    try:
        return loop.run_until_complete(scene())
    finally:
        loop.close()


def most_in_a_window(storm, window_s):
    """Return the most requests that reached the broker within any window."""
    times = [at for at, _ in storm.sent]
    return max(sum(start <= at < start + window_s for at in times) for start in times)


def stakes_of(count):
    """Return so many different stakes, shuffled, one of them unknown."""
    stakes = [1_000 * (7 * number % count) for number in range(count)]
    stakes[count // 2] = None
    return stakes


def by_weight(stakes):
    """Return the accounts, the unknown stake first, then the largest."""
    return sorted(
        range(len(stakes)), key=lambda each: (stakes[each] is not None, -(stakes[each] or 0))
    )


@pytest.mark.parametrize("accounts", [20, 200, 410], ids="{} accounts".format)
def test_a_full_window_delays_the_worst_accounts_least(accounts):
    """200 of 200 used: 200 are flat when the window ends, 200 more a window later, the worst first."""
    stakes = stakes_of(accounts)
    storm = played(stakes, requests=200, window_s=60.0, used=200, until_s=400.0)

    order = list(storm.closed_at)
    times = [storm.closed_at[each] for each in by_weight(stakes)]
    assert order == by_weight(stakes)
    assert times == pytest.approx([60.0 * (1 + rank // 200) for rank in range(accounts)], abs=0.01)
    assert not storm.held
    assert most_in_a_window(storm, 60.0) <= 200


@pytest.mark.parametrize("accounts", [20, 60])
def test_slots_that_come_free_one_by_one_all_go_to_closes(accounts):
    """200 requests spread over the last minute: every slot that comes free is a close, worst first."""

    async def scene():
        storm = Storm(dict(enumerate(stakes)), requests=200, window_s=60.0)
        for number in range(200):
            storm.loop.call_later(0.3 * number, storm.budget.charge)
        await asyncio.sleep(59.9)
        began = storm.loop.time()
        await storm.run(150.0)
        for task in storm.tasks:
            task.cancel()
        return storm, began

    stakes = stakes_of(accounts)
    loop = JumpingLoop()
    storm, began = loop.run_until_complete(scene())
    loop.close()

    assert not storm.held
    assert [kind for _, kind in storm.sent[:accounts]] == ["close"] * accounts
    assert max(storm.closed_at.values()) - began == pytest.approx(0.3 * accounts, abs=0.5)
    assert storm.locked == set(range(accounts))
