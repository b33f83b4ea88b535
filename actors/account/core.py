"""The decisions of one account: every message in, what is recorded and sent out.

Pure: no actor, no clock, no I/O; the time comes in with each call. Facts are booked first, in every
phase. Then the PRE-CHECK: under a flat duty no rule is asked, and whatever is held or works is enforced
away. Otherwise the rules that listen are asked, and what they find becomes an intent (`enforcing`).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeGuard, assert_never, get_args

from actors.account import failing_closed, keeping, lateness, settling, unjudged
from actors.account.adopting import Adopting, Origin
from actors.account.board import board_of
from actors.account.enforcing import Enforcing
from actors.account.extremes import Peaks
from actors.account.judging import Judging
from actors.account.ledger import Booking
from actors.account.lockouts import by_strictness
from actors.account.managing import changed_stops, still_wanted
from actors.account.permission import Permission
from actors.account.picture import NEWS, Picture
from actors.account.recovery import Recovery
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.showing import Showing
from actors.account.state import AccountState
from actors.account.terms import under
from actors.account.turn import Turn
from actors.account.watching import Watching
from messages.base import Send
from messages.commands import (
    AccountCommand,
    AdoptRules,
    ApplyLockout,
    LockAccount,
    MoveStops,
    NoteLateness,
    ReconcileAccount,
    RenewStream,
    ReportRuleFailure,
    ReportVerdict,
    ResumeEnforcement,
    Woken,
)
from messages.events import (
    AccountGuarded,
    BrokerCommandAnswered,
    BrokerCommandSent,
    LockoutReleased,
)
from messages.facts import (
    AccountChanged,
    ContractDescribed,
    ContractUnknown,
    Fact,
    OrderChanged,
    PositionChanged,
    QuoteChanged,
    SnapshotFailed,
    SnapshotTaken,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.journal import Appended, AppendFailed
from messages.queries import AccountBoard, AccountStatus
from messages.values import ACCOUNT_SCOPE, AlarmCode, FactKind, OrderStatus, Phase, StopMove

_NOWHERE = Origin(config="")
_RELEASES = frozenset({LockoutReleased})
type EnforcerNews = BrokerCommandSent | BrokerCommandAnswered
"""What an enforcer has journaled already and a successor of it must know."""
_INPUTS = frozenset(
    kind for union in (Fact, AccountCommand, EnforcerNews) for kind in get_args(union.__value__)
)


def is_account_input(message: object) -> TypeGuard[Fact | AccountCommand | EnforcerNews]:
    """Say whether an account can be told something."""
    return type(message) in _INPUTS


class AccountCore:
    """One account's decisions; `epoch` makes the ids of this life of the actor unique."""

    def __init__(
        self,
        settings: AccountSettings,
        state: AccountState,
        *,
        epoch: str,
        origin: Origin = _NOWHERE,
    ) -> None:
        self.state = state
        held_s = state.adopted.lock_unjudged_after_s if state.adopted else None
        self._adopting = Adopting(settings, origin, lock_unjudged_after_s=held_s)
        self._settings = settings = under(settings, state.terms)
        self._epoch = epoch
        self._turns = 0
        self._picture = Picture(settings, state)
        self._judging = Judging(settings, state, self._picture)
        self._enforcing = Enforcing(settings, state, self._picture.marks)
        self._permission = Permission(settings, state)
        self._recovery = Recovery(state, self._picture, self._judging)
        self._watching = Watching(self._picture, self._judging)
        self._showing = Showing()

    def start(self, now: datetime) -> list[Send]:
        """Begin, or go on where the journal ends."""
        turn = self._turn(now, "start")
        if not self._settings.shadow:
            keeping.end_shadow(turn)
        new_day = keeping.reset_if_due(turn, self._adopting.asked)
        self._guard_by(turn, self._adopting.begin(turn, new_day=new_day))
        turn.record(
            AccountGuarded(
                **turn.head(),
                name=self._settings.name,
                login=self._settings.login,
                rules=tuple(setting.line for setting in self._settings.rules),
                shadow=self._settings.shadow,
            )
        )
        self._watching.begin(turn)
        turn.wake_at("reset", self.state.day.next_reset(now))
        for lockout in self.state.lockouts.values():
            keeping.arm(turn, lockout)
        self._judging.arm_checks(turn)
        if self.state.enforcement:
            self._enforcing.know_what_is_there()
        self._showing.say(turn, self._settings.rules)
        self._follow_lockouts(turn)
        self._enforcing.resume_unsure(turn)
        if self.state.connected:
            self._picture.connected(turn)
        self._picture.hold(turn)  # what the journal shows held is judged by quotes, read or not
        # An earlier life may have failed at the very word that its stream is up, or down.
        turn.send(f"gateway/{self._settings.login}", RenewStream(**turn.head()))
        self._judging.settling.begin(turn)
        return turn.sends()

    def see(self, latest: Mapping[str, QuoteChanged], peaks: Peaks, now: datetime) -> None:
        """Learn the present quotes, and how far they went: of those inside its bands nobody tells it."""
        self._picture.see(latest, peaks, now)

    def handle(self, message: Fact | AccountCommand | EnforcerNews, now: datetime) -> list[Send]:
        """Take one message in and return what leaves, in order."""
        if isinstance(message, BrokerCommandSent | BrokerCommandAnswered):
            self.state.evolve(message)
            return []
        turn = self._turn(now, message.cause)
        if isinstance(message, QuoteChanged):
            # Taken in first: a reset that it brings is judged by it as well.
            self._picture.quoted(message, turn.now)
        if keeping.reset_if_due(turn, self._adopting.asked):
            self._guard_by(turn, self._adopting.begin_day(turn))
            self._judging.arm_checks(turn)  # what waited for the reset may be due earlier
            self._showing.say(turn, self._settings.rules)
            self._judging.everything(turn, self.state.unjudged_fills)
        self._picture.lateness.weigh(turn, message)
        match message:
            case (  # most of what comes, first
                OrderChanged()
                | QuoteChanged()
                | AccountChanged()
                | TradeExecuted()
                | PositionChanged()
                | StreamConnected()
                | StreamLost()
                | SnapshotTaken()
                | SnapshotFailed()
                | ContractDescribed()
                | ContractUnknown()
            ):
                self._book(turn, message)
            case _:
                self._obey(turn, message)
        if turn.eventful:
            self._follow_lockouts(turn)
            self._judging.follow_checks(turn)
            self._judging.settling.follow(turn)
        self._judging.follow_owed(turn)
        self._picture.note_health(turn, self._judging.unjudged.reason)
        self._watching.follow(turn)
        self._showing.note(turn)
        self._recovery.note()
        return turn.sends()

    def status(self, now: datetime) -> AccountStatus:
        """Return how the account stands."""
        state, view, rules = self.state, self._picture.view(now), self._settings.rules
        limits, unknown = self._showing.limits(rules, view)
        caveats = (text for _, text in self._showing.caveats(rules, now))
        return AccountStatus(
            account=state.account,
            name=self._settings.name,
            login=self._settings.login,
            phase=self.phase,
            health=self._picture.health,
            health_reason=self._picture.health_reason,
            trading_date=view.trading_date,
            realised_usd=view.realised_usd,
            open_usd=view.open_usd,
            positions=tuple(state.positions.values()),
            working_orders=len(state.orders),
            lockouts=by_strictness(state.lockouts.values()),
            enforcement=self._enforcing.shown,
            queued=state.adopted.queued if state.adopted else (),
            starting=self._recovery.waits_for,
            caveats=tuple(dict.fromkeys((*caveats, *unknown))),
            limits=limits,
            shadow=self._settings.shadow,
        )

    def board(self, now: datetime) -> AccountBoard:
        """Return all that a dashboard shows of the account."""
        view = self._picture.view(now)
        return board_of(self._settings, self.state, self.status(now), view)

    @property
    def phase(self) -> Phase:
        """Return where the account is; LOCKED is said only when it is on disk (or cannot be)."""
        if self._enforcing.busy:
            return Phase.ENFORCING
        if any(scope == ACCOUNT_SCOPE for _, scope in self.state.lockouts):
            return Phase.LOCKED
        if self._judging.opened:
            return Phase.OPEN
        return Phase.LOCKED if self._judging.started else Phase.STARTING

    def _guard_by(self, turn: Turn, rules: tuple[RuleSetting, ...]) -> None:
        """Go over to these rules: the one place where every part gets the settings it works by."""
        after_s = self._adopting.lock_unjudged_after_s
        asked = replace(self._adopting.asked, rules=rules, lock_unjudged_after_s=after_s)
        settings = under(asked, self.state.terms)
        self._settings = settings
        self._judging.settings = self._enforcing.settings = self._permission.settings = settings
        self._picture.use(turn, settings)

    def _follow_lockouts(self, turn: Turn) -> None:
        if turn.recorded(_RELEASES):
            self._enforcing.lockouts_ended(turn)

    def _turn(self, now: datetime, cause: str) -> Turn:
        self._turns += 1
        token = f"{self.state.account}/{self._epoch}/{self._turns}"
        return Turn(state=self.state, now=now, cause=cause, token=token)

    # --- facts ---

    def _book(self, turn: Turn, fact: Fact) -> None:  # noqa: C901 - one case per fact
        match fact:
            case TradeExecuted():
                self._on_trade(turn, fact)
            case PositionChanged():
                self._on_position(turn, fact)
            case OrderChanged():
                self._on_order(turn, fact)
            case AccountChanged():
                self._on_account(turn, fact)
            case QuoteChanged():
                self._watching.heard(fact.quote.contract)
                if fact.quote.contract in self.state.positions:
                    self._judging.fact(turn, FactKind.QUOTE)
            case StreamConnected() | StreamLost():
                self._on_stream(turn, fact)
            case SnapshotTaken():
                self._on_snapshot(turn, fact)
            case SnapshotFailed():
                self._picture.failed(turn, fact.request_id, fact.reason)
                self._judging.by_what_is_known(turn)
            case ContractDescribed():
                turn.record(fact)
                self._judging.fact(turn, FactKind.QUOTE)
            case ContractUnknown():
                turn.record(fact)
                self._picture.unknown_contract(turn, fact.contract, fact.reason)
            case _:
                assert_never(fact)

    def _on_trade(self, turn: Turn, fact: TradeExecuted) -> None:
        fill = fact.fill
        self._picture.compare(turn, fill)
        booking = self.state.weigh(fill)
        if booking is Booking.UNCHANGED:
            return
        turn.record(fact)
        self._enforcing.note(fill.contract)
        self._picture.settle(turn)
        if booking in NEWS:
            self._judging.fact(turn, FactKind.TRADE, self.state.judged_with({fill.order_id}))

    def _on_position(self, turn: Turn, fact: PositionChanged) -> None:
        position, state = fact.position, self.state
        settled = position.contract not in state.unsettled
        settled = settled and position.contract not in state.unplaced
        if settled and state.positions.get(position.contract) == position:
            return
        turn.record(fact)
        self._picture.hold(turn)
        self._enforcing.guard_position(turn, position.contract, position.size)
        self._judging.fact(turn, FactKind.POSITION)

    def _on_order(self, turn: Turn, fact: OrderChanged) -> None:
        order, known = fact.order, self.state.orders.get(fact.order.order_id)
        if known == order:
            return
        turn.record(fact)
        if order.stop_price is not None:
            self._withdraw_moves(turn, (order.order_id,))
        if order.status not in OrderStatus:
            turn.alarm(
                AlarmCode.UNKNOWN_ORDER_STATUS,
                f"order {order.order_id} has status {order.status}: it counts as working",
            )
        self._enforcing.guard_order(turn, order, new=known is None)
        self._judging.fact(turn, FactKind.ORDER)

    def _on_account(self, turn: Turn, fact: AccountChanged) -> None:
        if not self._permission.take(turn, fact):
            return
        if keeping.let_trade(turn):
            self._judging.everything(turn)
        else:
            self._judging.fact(turn, FactKind.ACCOUNT)

    def _on_stream(self, turn: Turn, fact: StreamConnected | StreamLost) -> None:
        turn.record(fact)
        if isinstance(fact, StreamConnected):
            self._picture.connected(turn, fact.generation)
        else:
            self._picture.sync.lost()
            turn.alarm(AlarmCode.STREAM_LOST, f"user stream lost: {fact.reason}")

    def _on_snapshot(self, turn: Turn, fact: SnapshotTaken) -> None:
        first, before = not self._picture.sync.snapshot_seen, self.state.orders
        news = self._picture.adopt(turn, fact)
        if news is None:
            return
        self._withdraw_moves(turn, changed_stops(before, self.state.orders))
        keeping.let_trade(turn)
        self._enforcing.guard_all(turn)
        orders = {fill.order_id for fill in news}
        fills = self.state.unjudged_fills if first else self.state.judged_with(orders)
        self._judging.everything(turn, fills)

    # --- commands ---

    def _obey(self, turn: Turn, command: AccountCommand) -> None:  # noqa: C901, PLR0912 - one case each
        match command:
            case ReportVerdict():
                self._on_verdict(turn, command)
            case ReportRuleFailure():
                self._judging.lost(turn, command)
            case LockAccount():
                self._enforcing.lock_out(turn, command)
            case ApplyLockout():
                self._on_apply(turn, command)
            case ResumeEnforcement():
                self._enforcing.resume_unsure(turn)
            case ReconcileAccount():
                if self._picture.sync.synced:
                    self._picture.reconcile(turn)
            case AdoptRules():
                self._guard_by(turn, self._adopting.adopt(turn, command))
                self._judging.rules_changed(turn)
            case Appended():
                if self._judging.settling.on_durable(turn, command.token):
                    self._judging.open_if_clean(turn)
                self._said(turn, self._enforcing.on_durable(turn, command.token))
            case AppendFailed():
                locked = self._enforcing.on_unrecorded(turn, command.token, command.reason)
                self._said(turn, locked)
            case NoteLateness():
                self._picture.lateness.note(turn, command.late_s, command.where)
            case Woken():
                self._on_woken(turn, command.key)
            case _:
                assert_never(command)

    def _on_verdict(self, turn: Turn, verdict: ReportVerdict) -> None:
        breach = self._judging.verdict(turn, verdict)
        if breach:
            self._enforcing.breach(turn, breach, self._judging.today(turn))
        if verdict.moves and self._picture.sync.synced:
            self._move_stops(turn, still_wanted(self.state, verdict.moves))
        self._judging.make_up(turn, verdict)
        self._judging.open_if_clean(turn)

    def _withdraw_moves(self, turn: Turn, stops: tuple[int, ...]) -> None:
        """Have no move sent that was wanted of stops as they were: their trader may have moved them."""
        if stops and any(each.rule.manage for each in self._settings.rules):
            enforcer = f"enforcer/{self.state.account}"
            turn.send(enforcer, MoveStops(**turn.head(), moves=(), withdrawn=stops))

    def _move_stops(self, turn: Turn, moves: tuple[StopMove, ...]) -> None:
        if moves:
            enforcer = f"enforcer/{self.state.account}"
            turn.send(enforcer, MoveStops(**turn.head(), moves=moves))

    def _on_apply(self, turn: Turn, report: ApplyLockout) -> None:
        before = self.state.orders
        for lockout in self._enforcing.apply(turn, report):
            keeping.arm(turn, lockout)
            if lockout.scope == ACCOUNT_SCOPE:
                self._judging.opened = False
        keeping.let_trade(turn)  # the firm may have changed its mind before the lock was applied
        self._withdraw_moves(turn, changed_stops(before, self.state.orders))
        if report.read_at:
            self._picture.sync.read(report.read_at)
        self._picture.hold(turn)

    def _said(self, turn: Turn, locked: bool) -> None:
        if locked:
            self._judging.everything(turn)

    def _on_woken(self, turn: Turn, key: str) -> None:  # noqa: C901, PLR0912 - one case each
        match key.split(" ", 3):
            case ["lockout", rule, breach_id, scope]:
                if keeping.end(turn, rule, scope, breach_id):
                    self._judging.everything(turn)
            case ["journal", token]:
                self._said(turn, self._enforcing.on_unrecorded(turn, token, "late"))
            case ["check", rule]:
                self._judging.check(turn, rule)
            case [settling.WOKEN]:
                self._judging.settling.ask_again(turn)
            case [lateness.WOKEN]:
                self._picture.lateness.look(turn)
            case [unjudged.WOKEN, rule]:
                self._judging.ask_owed(turn, rule)
            case [failing_closed.WOKEN, rule, token]:
                if breach := self._judging.fails_closed(turn, rule, token):
                    self._enforcing.breach(turn, breach, self._judging.today(turn))
            case ["judgement"]:
                self._judging.late(turn)
            case ["snapshot"]:
                self._picture.take_snapshot(turn)
            case ["leftovers"]:
                self._enforcing.guard_all(turn)
            case ["settle"]:
                self._picture.settled(turn)
            case ["quotes"]:
                self._picture.look_at_quotes(turn)
            case ["reset"]:
                turn.wake_at("reset", self.state.day.next_reset(turn.now))
            case _:
                raise ValueError(f"account {self.state.account} was woken for {key!r}")
