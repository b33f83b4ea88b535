"""Row 10: many accounts breach by one quote while the login's request budget is used up."""

from actors.gateway.budget import RequestBudget
from actors.simulator import SimAccount
from actors.simulator.record import Request
from messages.commands import BrokerCommand
from messages.events import BrokerCommandSent, RuleBreached
from messages.facts import ContractDescribed
from messages.values import AlarmCode
from tests.rig import TOKENS, A, B
from tests.wire_rig import CLOSE, PATIENCE_S, WatchedGateway, wire_config

REQUESTS, WINDOW_S = 10, 3.0
SIZES = {A: 3, B: 9, **{B + 1 + number: size for number, size in enumerate((1, 12, 5, 7))}}
SIZES |= {B + 5 + number: size for number, size in enumerate((2, 11, 4, 8, 10, 6))}
"""Contracts by account, twelve of them: two more than a window has requests."""


class SpentGateway(WatchedGateway):
    """A gateway whose window, a small one, has just been used up when its first command comes."""

    _spent = False

    def on_receive(self, message):
        if isinstance(message, BrokerCommand) and not self._spent:
            self._spent = True
            budget = RequestBudget(clock=self._outbox.clock, requests=REQUESTS, window_s=WINDOW_S)
            for _ in range(REQUESTS):
                budget.charge()
            self._client.budget = budget
        return super().on_receive(message)


def test_where_the_budget_is_used_up_the_worst_exposure_is_closed_first(wire):
    """Closes before reads, the largest position first, never over budget, no slot of it wasted."""
    user = TOKENS["PROJECT_X_USERNAME"]
    for account in set(SIZES) - {A, B}:
        wire.sim.control.add_account(user, SimAccount(account, f"50K-{account}"))
    run = wire(
        wire_config(daily_unrealized_loss={"max_loss_usd": 5}),
        open_accounts=tuple(SIZES),
        gateway=SpentGateway,
    )
    run.price("MNQ", "21000")
    for account, size in SIZES.items():
        run.buy(account, "MNQ", size)
    for account in SIZES:
        run.wait(ContractDescribed, account=account)
    before = run.sim.record().entries()[-1].seq

    run.price("MNQ", "20990")
    run.sim.record().wait_until(lambda: not any(map(run.held, SIZES)), PATIENCE_S)

    asked = [
        each
        for each in run.sim.record().entries()
        if isinstance(each, Request) and each.seq > before and not each.endpoint.startswith("/hubs")
    ]
    closes = [each for each in asked if each.endpoint == CLOSE]
    tries = [len(run.events(BrokerCommandSent, account)) for account in SIZES]
    times = [each.monotonic_s for each in asked]
    assert [each.account for each in closes] == sorted(SIZES, key=SIZES.get, reverse=True)
    assert asked[: len(SIZES)] == closes
    # half a second for the way: the window is counted where requests leave
    assert all(
        sum(start <= at < start + WINDOW_S - 0.5 for at in times) <= REQUESTS for start in times
    )
    assert max(tries) <= 4  # each waits for its turn instead of trying again and again
    assert closes[-1].monotonic_s - closes[0].monotonic_s < 2 * WINDOW_S
    assert all(len(run.events(RuleBreached, account)) == 1 for account in SIZES)
    assert AlarmCode.BUDGET_EXHAUSTED in run.alarms(None)
