"""Asking the rules: which ones, when, and what an answer is still worth.

Pure. PRE-CHECK (I2): while a flat duty binds the account no rule is asked at all. An account that is not
OPEN becomes so only by a last judgement that every rule has answered and none has broken.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from actors.account.failing_closed import FailingClosed
from actors.account.judgement import Judgement
from actors.account.lockouts import account_duty, flat_duty
from actors.account.picture import Picture
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.settling import Settling
from actors.account.state import AccountState
from actors.account.turn import Turn
from actors.account.unjudged import Unjudged
from actors.enforcer import targets as algebra
from messages.commands import Evaluate, ReportRuleFailure, ReportVerdict
from messages.events import AccountOpened, FlatConfirmed
from messages.facts import OrderChanged, PositionChanged, SnapshotTaken
from messages.values import (
    AccountView,
    AlarmCode,
    Breach,
    FactKind,
    Fill,
    LockoutTerms,
    ReleaseOn,
)

_JUDGEMENT_S = 5.0
_MOVING = frozenset({PositionChanged, OrderChanged})
"""The events that may change which positions have no stop."""
_READING = frozenset({SnapshotTaken, FlatConfirmed})
"""Those that are a complete read."""


@dataclass(slots=True)
class Judging:
    """The rules of one account and the judgement under way."""

    settings: AccountSettings
    state: AccountState
    picture: Picture
    settling: Settling = field(default_factory=Settling)
    """An account opens only when what had freed it is on disk."""
    judgement: Judgement = field(default_factory=Judgement)
    unjudged: Unjudged = field(default_factory=Unjudged)
    failing_closed: FailingClosed = field(default_factory=FailingClosed)
    opened: bool = False
    """OPEN: the last judgement was clean and no lock of the account has come since."""
    started: bool = False
    """It has been OPEN at least once in this life of the actor."""
    _armed: dict[str, datetime] = field(default_factory=dict)
    """When each rule is checked next by the clock."""
    _armed_for: Mapping[str, datetime] = field(default_factory=dict)
    """Which positions had no stop, and since when, as the checks were moved last."""

    def fact(self, turn: Turn, kind: FactKind, fills: tuple[Fill, ...] = ()) -> None:
        """Ask the rules that listen to a kind of fact."""
        asked = self.settings.listening[kind]
        if asked and self.may_judge:
            self._evaluate(turn, asked, fills, None)

    def everything(self, turn: Turn, fills: tuple[Fill, ...] = ()) -> None:
        """Ask every rule once: the last judgement where the account is not OPEN.

        That is by all fills of the day: what was traded before a lock may have been told behind it. In
        shadow, where trading goes on under a lock that is only pretended, what was traded under it is not
        known from that.
        """
        if not self.may_judge:
            return
        if not self.opened and not self.settings.shadow:
            fills = self.state.unjudged_fills
        synced = self.picture.sync.synced
        if self.opened or self._locked or (synced and self.state.enforcement):
            self._evaluate(turn, self.settings.rules, fills, None)
        elif synced:
            judgement = self.judgement.begin(each.rule.id for each in self.settings.rules)
            self._evaluate(turn, self.settings.rules, fills, judgement)
            turn.wake_after("judgement", _JUDGEMENT_S)
            self.open_if_clean(turn)
        else:
            self.fact(turn, FactKind.CLOCK)  # what only waits for a read need not wait for more

    def by_what_is_known(self, turn: Turn) -> None:
        """Ask every rule although the account was never read; nothing becomes OPEN by it."""
        if self.may_judge and not self.picture.sync.snapshot_seen:
            self._evaluate(turn, self.settings.rules, self.state.unjudged_fills, None)

    @property
    def may_judge(self) -> bool:
        """Say whether any rule is asked now: something is known, and no flat duty binds."""
        sync = self.picture.sync
        # once the first read has failed, journal and stream are all there is: a breach they show is one
        known = sync.snapshot_seen or sync.refusal is not None
        return known and not flat_duty(self.state.duties)

    @property
    def _locked(self) -> bool:
        """Say whether a lockout of the account is in force: the last judgement waits for its end."""
        return account_duty(self.state.lockouts.values())

    def _evaluate(
        self,
        turn: Turn,
        asked: Iterable[RuleSetting],
        fills: tuple[Fill, ...],
        judgement: str | None,
    ) -> None:
        if self.unjudged.owed:
            asked = [each for each in asked if not self.unjudged.keeps_from(each.rule.id)]
        self._show(turn, asked, fills, judgement)

    def _show(
        self,
        turn: Turn,
        shown: Iterable[RuleSetting],
        fills: tuple[Fill, ...],
        judgement: str | None,
    ) -> None:
        view, account = self.picture.view_in(turn, fills), self.state.account
        for setting in shown:
            turn.send(
                setting.address,
                Evaluate(
                    account=account,
                    at=turn.now,
                    cause=turn.cause,
                    view=view,
                    parameters=setting.parameters,
                    judgement=judgement,
                ),
            )

    def lost(self, turn: Turn, failure: ReportRuleFailure) -> None:
        """Take note that a rule did not judge a picture."""
        if not failure.lost:  # a lost actor is alarmed by its supervisor
            turn.alarm(AlarmCode.RULE_FAILED, f"{failure.rule} failed: {failure.error}")
        self.unjudged.lost(turn, failure, self._ask_again)

    def ask_owed(self, turn: Turn, rule: str) -> None:
        """Ask a rule for the verdict it owes."""
        self.unjudged.ask(turn, rule, self._ask_again)

    def _ask_again(self, turn: Turn, rule: str, question: str) -> int | None:
        if not self.may_judge:
            return None
        asked = [each for each in self.settings.rules if each.rule.id == rule]
        self._show(turn, asked, self.state.unjudged_fills, question)
        return len(asked)

    def follow_owed(self, turn: Turn) -> None:
        """Count how long the rules in force have owed a verdict that they could be asked for."""
        owing: set[str] = set()
        if self.unjudged.owed and self.may_judge:
            owing = {each.rule.id for each in self.settings.rules} & self.unjudged.owed.keys()
        self.failing_closed.follow(turn, owing, self.settings.lock_unjudged_after_s)

    def fails_closed(self, turn: Turn, rule: str, token: str) -> Breach | None:
        """Return what comes of a rule that has owed its verdict for too long."""
        owed = self.unjudged.owed.get(rule)
        if owed is None:
            return None
        next_reset = self.state.day_end(turn.now)
        return self.failing_closed.due(rule, token, owed.error, next_reset)

    def make_up(self, turn: Turn, verdict: ReportVerdict) -> None:
        """Judge what could not be while a rule owed a verdict, now that it has given it."""
        owed = self.unjudged.answered(turn, verdict.judgement, verdict.rule)
        if owed and (owed.kept or not self.opened):
            self.everything(turn, self.state.unjudged_fills)

    def verdict(self, turn: Turn, verdict: ReportVerdict) -> Breach | None:
        """Take a rule's answer; return the breach if it still asks for something."""
        self.judgement.answered(verdict.judgement, verdict.rule)
        if verdict.breach is None or self._outdated(turn, verdict, verdict.breach):
            return None
        return verdict.breach

    def _outdated(self, turn: Turn, verdict: ReportVerdict, breach: Breach) -> bool:
        if not breach.lockouts:
            return self._reached(breach)
        today = self.today(turn)
        return all(
            (terms.release_on is ReleaseOn.CAN_TRADE and self.state.can_trade is True)
            or (terms.until is not None and terms.until <= turn.now)
            or self._served(breach.rule, terms)
            or (terms.release_on is ReleaseOn.RESET and verdict.trading_date != today)
            for terms in breach.lockouts
        )

    def _served(self, rule: str, terms: LockoutTerms) -> bool:
        """Say whether a lockout that ended no earlier has lasted its time already.

        Only a clock that was set back since, or lags a little, makes a verdict ask for it once more.
        """
        served = self.state.served.get((rule, terms.scope))
        if served is None or terms.until is None or terms.release_on is not ReleaseOn.TIME:
            return False
        return terms.until <= served

    def _reached(self, breach: Breach) -> bool:
        """Say whether a breach without a lockout is mended, or being mended, already."""
        state = self.state
        under_way = state.enforcement.targets if state.enforcement else ()
        if all(any(algebra.covers(each, own) for each in under_way) for own in breach.targets):
            return True
        held, working = tuple(state.positions.values()), tuple(state.orders.values())
        return algebra.plan(breach.targets, held, working).satisfied

    def today(self, turn: Turn) -> str:
        """Return the label of the trading day."""
        return (self.state.trading_date or self.state.day.label(turn.now)).isoformat()

    def open_if_clean(self, turn: Turn) -> None:
        """Open the account when every rule has answered the last judgement and none objects."""
        if self.opened or not self.judgement.clean or not self.picture.sync.synced:
            return
        if self._locked or self.state.enforcement or self.settling.waits:
            return
        self.opened = self.started = True
        turn.cancel_wake("judgement")
        turn.record(AccountOpened(**turn.head()))

    def late(self, turn: Turn) -> None:
        """Ask again when a last judgement was not answered completely."""
        if self.opened or self.state.enforcement or not self.may_judge:
            return
        if silent := self.judgement.missing:
            turn.alarm(AlarmCode.RULE_SILENT, f"no verdict from {', '.join(sorted(silent))}")
        self.everything(turn)

    def rules_changed(self, turn: Turn) -> None:
        """Judge once by the rules that are now in force; what was asked before no longer opens."""
        self.judgement.void()
        self.arm_checks(turn)
        self.everything(turn, self.state.unjudged_fills)

    def arm_checks(self, turn: Turn) -> None:
        """Be woken when the clock alone may break a rule next."""
        self._armed_for = self.state.unprotected_since
        in_force = (each.rule.id for each in self.settings.timed)
        if rule_ids := dict.fromkeys((*in_force, *self._armed)):
            view = self.picture.view_in(turn)
            for rule_id in rule_ids:
                self._arm_check(turn, rule_id, view)

    def follow_checks(self, turn: Turn) -> None:
        """Move the checks to where they belong now, if this turn changed what decides that."""
        if turn.recorded(_READING) or (
            turn.recorded(_MOVING) and self.state.unprotected_since != self._armed_for
        ):
            self.arm_checks(turn)

    def check(self, turn: Turn, rule_id: str) -> None:
        """Ask the rules that listen to the clock, and be woken for the next time.

        A rule that wants the broker read first is asked again with what the read shows.
        """
        self._armed.pop(rule_id, None)
        if any(each.rule.id == rule_id and each.rule.reads_first for each in self.settings.rules):
            self.picture.reconcile(turn)
        self._arm_check(turn, rule_id, self.picture.view_in(turn))
        self.fact(turn, FactKind.CLOCK)

    def _arm_check(self, turn: Turn, rule_id: str, view: AccountView) -> None:
        """Be woken for a rule when the first of its settings in force may be broken by the clock."""
        dues = [
            next_check(view, each.parameters)
            for each in self.settings.timed
            if each.rule.id == rule_id and (next_check := each.rule.next_check)
        ]
        due = min((due for due in dues if due), default=None)
        if due == self._armed.get(rule_id):
            return
        if due is None:
            del self._armed[rule_id]
            turn.cancel_wake(f"check {rule_id}")
        else:
            self._armed[rule_id] = due
            turn.wake_at(f"check {rule_id}", due)
