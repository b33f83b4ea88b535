"""A state machine over the account and enforcer cores: any interleaving, duplicates, faults (I1-I7)."""

from decimal import Decimal

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from actors.account.allowance import clipped
from actors.account.lockouts import account_duty, flat_duty, no_new_exposure, strictness
from actors.enforcer.targets import is_opening
from actors.rules.daily_realized_loss import DailyRealizedLoss
from actors.rules.max_contracts import MaxContracts
from messages.events import (
    AccountLocked,
    BrokerCommandSent,
    DeadlinePassed,
    EnforcementJoined,
    EnforcementStarted,
    FlatConfirmed,
    LockoutReleased,
)
from messages.values import CapContract, NoOpeningOrders, OrderStatus, Phase
from tests.account.replays import differences, forgotten_at_reset, rebuilt, since_reset
from tests.account.world import CAP, DAY, PARAMETERS, World

CONTRACTS = st.sampled_from(["CON.F.US.MNQ.Z25", "CON.F.US.EP.Z25", "CON.F.US.MNQ.H26"])
SIZES = st.integers(-9, 9)


class AccountMachine(RuleBasedStateMachine):
    """Trader, broker, disk and clock do anything; the invariants hold at every step."""

    @initialize()
    def begin(self):
        self.world = World()
        self.world.drain()
        self.locks = {}
        self.allowances = None
        self.released = 0
        self.reloaded = False

    # --- what the world does ---

    @rule(contract=CONTRACTS, size=SIZES)
    def position(self, contract, size):
        self.world.set_position(contract, size)

    @rule(contract=CONTRACTS, size=SIZES.filter(bool))
    def order(self, contract, size):
        self.world.new_order(contract, size)

    @precondition(lambda self: self.world.orders)
    @rule(status=st.sampled_from([OrderStatus.FILLED, OrderStatus.CANCELLED]))
    def order_ends(self, status):
        self.world.set_order(min(self.world.orders), status)

    @rule(contract=CONTRACTS, sizes=st.lists(st.integers(-3, 3).filter(bool), max_size=6))
    def trades(self, contract, sizes):
        for size in sizes:
            self.world.trade(contract, size)

    @precondition(lambda self: no_new_exposure(self.world.account.state.duties))
    @rule(contract=CONTRACTS, size=SIZES)
    def position_under_the_duty(self, contract, size):
        self.world.set_position(contract, size)

    @rule(pnl=st.sampled_from([-600, -350, -200, -100, -99, 0, 50]))
    def fill(self, pnl):
        self.world.fill(pnl)

    @precondition(lambda self: self.world.queues["stream"])
    @rule()
    def duplicate(self):
        queue = self.world.queues["stream"]
        queue.append(queue[-1])

    @rule(fate=st.sampled_from(["lost", "rejected", "blind"]))
    def fault(self, fate):
        self.world.answers.append(fate)

    @rule(full=st.booleans())
    def disk(self, full):
        self.world.disk_full = full

    @rule()
    def reconnect(self):
        self.world.connect()

    @rule(
        cap=st.sampled_from([None, CAP - 2, CAP, CAP + 2]),
        count=st.sampled_from(["net", "gross"]),
        loss=st.sampled_from([None, 150, 500, 5000]),
    )
    def reload(self, cap, count, loss):
        self.reloaded, wanted = True, {}
        if cap:
            wanted["RULE_001"] = MaxContracts(limit=cap, count=count)
        if loss:
            wanted["RULE_003"] = DailyRealizedLoss(
                max_loss_usd=Decimal(loss), include_open_loss=False
            )
        self.world.adopt(**wanted)

    @rule(seconds=st.sampled_from([-1, 60, 61, 400]))
    def lock_out(self, seconds):
        self.world.lock_out(seconds)

    @precondition(lambda self: not self.reloaded)
    @rule()
    def the_day_ends(self):
        world = self.world
        world.advance((DAY.next_reset(world.now) - world.now).total_seconds())

    @rule(seconds=st.sampled_from([0.05, 0.3, 1.0, 6.0, 301.0]))
    def time(self, seconds):
        self.world.advance(seconds)

    @precondition(lambda self: self.world.pending())
    @rule(choice=st.integers(0, 50), steps=st.integers(1, 6))
    def deliver(self, choice, steps):
        for _ in range(steps):
            queues = self.world.pending()
            if queues:
                self.world.step(queues[choice % len(queues)])

    @rule()
    def come_to_rest(self):
        self.world.answers.clear()
        self.world.drain()
        for _ in range(12):
            self.world.advance(16)
            self.world.drain()
        state = self.world.account.state
        if flat_duty(state.duties):
            assert not any(self.world.held.values()), "I6: exposure under lock"
            assert not self.world.orders, "I6: working orders under lock"
        elif no_new_exposure(state.duties):
            self._nothing_beyond_the_allowance()
        assert sum(map(abs, self.world.held.values())) <= CAP, "RULE-001 holds at rest"
        assert state.enforcement is None, "every enforcement ends"
        held = {name: size for name, size in self.world.held.items() if size}
        assert {name: each.size for name, each in state.positions.items()} == held
        assert state.orders.keys() == self.world.orders.keys()
        locked = account_duty(state.lockouts.values())
        if not (self.world.disk_full and self.world.account._judging.settling.waits):
            assert self.world.account.phase is (Phase.LOCKED if locked else Phase.OPEN)

    def _nothing_beyond_the_allowance(self):
        allowances, held = self.world.account.state.allowances, self.world.held
        for contract, size in held.items():
            assert clipped(allowances.get(contract, 0), size) == size, "I6: more than may stay"
        assert not any(is_opening(order, held) for order in self.world.orders.values()), "I6"

    # --- what always holds ---

    @invariant()
    def no_rule_is_asked_under_a_flat_duty(self):
        assert self.world.evaluated_under_duty == [], "I2"

    @invariant()
    def nothing_improper_was_seen(self):
        assert self.world.violations == []

    @invariant()
    def lockouts_end_only_by_release_and_never_shorten(self):
        released = {
            (each.rule, each.scope)
            for each in self.world.account_events()
            if isinstance(each, LockoutReleased)
        }
        now = dict(self.world.account.state.lockouts)
        for key, lock in self.locks.items():
            if key in now:
                later = now[key].breach_id != lock.breach_id and key in released
                assert later or strictness(now[key]) >= strictness(lock), "I4"
            else:
                assert key in released, "I4 and I9: a lockout vanished"
        self.locks = now

    @invariant()
    def allowances_exist_under_the_duty_and_only_shrink(self):
        state = self.world.account.state
        assert (state.allowances is not None) == (no_new_exposure(state.duties) is not None)
        released = len([each for each in self.world.account_events() if _ends_allowances(each)])
        same = released == self.released
        if same and state.allowances is not None and self.allowances is not None:
            for contract, size in state.allowances.items():
                before = self.allowances.get(contract, 0)
                assert clipped(before, size) == size, f"grew: {before} to {size}"
        self.allowances, self.released = state.allowances, released

    @invariant()
    def nothing_is_demanded_in_the_name_of_a_lock_that_has_ended(self):
        state = self.world.account.state
        if state.enforcement and not no_new_exposure(state.duties):
            standing = NoOpeningOrders | CapContract
            assert not any(isinstance(each, standing) for each in state.enforcement.targets)

    @invariant()
    def no_reload_loosens_before_the_reset(self):
        """What was in force at the start is, or something at least as strict."""
        in_force = self.world.account._settings.rules
        assert PARAMETERS["RULE-007"] in [each.parameters for each in in_force]
        caps = [each.parameters for each in in_force if each.rule.id == "RULE-001"]
        assert any(each.limit <= CAP and each.count == "gross" for each in caps)
        losses = [each.parameters for each in in_force if each.rule.id == "RULE-003"]
        assert any(each.max_loss_usd <= 500 for each in losses)

    @invariant()
    def the_journal_is_in_order(self):
        """I1: intent, then commands, then proof or deadline, then the lock."""
        intents, ended = set(), set()
        for event in self.world.journal:
            match event:
                case EnforcementStarted():
                    intents.add(event.enforcement_id)
                case EnforcementJoined():
                    assert event.enforcement_id in intents
                case BrokerCommandSent():
                    assert event.enforcement_id in intents
                case FlatConfirmed() | DeadlinePassed():
                    assert event.enforcement_id in intents
                    ended.add(event.enforcement_id)
                case AccountLocked():
                    assert event.enforcement_id in ended

    @invariant()
    def replay_equals_live(self):
        """I10 for the state: what the account has recorded rebuilds what it is, all of it."""
        live, events = self.world.account.state, self.world.account_events()
        live.trades.shown(self.world.now)
        for part in (events, since_reset(events)):
            again = rebuilt(part)
            again.trades.shown(self.world.now)
            assert differences(again, live) == {}

    @invariant()
    def the_reset_forgets_nothing_but_the_day(self):
        assert forgotten_at_reset(self.world.account_events()) == {}


def _ends_allowances(event):
    return isinstance(event, LockoutReleased) and event.rule == "RULE-006"


AccountMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAccountMachine = AccountMachine.TestCase
