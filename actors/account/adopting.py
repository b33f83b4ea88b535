"""Going over to changed rules: what is in force, what waits for the reset, and the record of both.

Pure. The rules in force are journaled whenever they change, so a restart is no way around them: the
account begins with what they were on the same trading day, tightened by the file. Only the daily reset
loosens, and no lockout is touched but those that end by the configuration, at that reset.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from actors.account import failing_closed, keeping, rulebook, terms
from actors.account.rulebook import Settings
from actors.account.settings import AccountSettings, RuleSetting
from actors.account.turn import Turn
from actors.rules.registry import rule_by_id
from messages.commands import AdoptRules
from messages.events import RulesAdopted
from messages.values import AlarmCode, Parameters

_UNTOLD = (
    "the journal of an earlier build does not say how this trading day is counted (reset, P&L, marks): "
    "as the configuration says now"
)


class Origin(NamedTuple):
    """Where the rules of an account come from when its actor starts."""

    config: str
    """SHA-256 of the configuration file, hex."""
    earlier: Settings = ()
    """What the journal says was in force on its last trading day."""
    not_restored: tuple[str, ...] = ()
    """What it says and this build cannot read."""


@dataclass(slots=True)
class Adopting:
    """What the file asks for, and the rules that are in force."""

    asked: AccountSettings
    """What the configuration says now; in force alone from the next reset on."""
    origin: Origin
    in_force: Settings | None = None
    """None until they were said in this life of the actor."""
    lock_unjudged_after_s: float | None = None
    """In force like the rules: what the journal says was, until they are said."""

    @property
    def file(self) -> Settings:
        """Return the rules the configuration asks for."""
        return self.asked.rules

    def begin(self, turn: Turn, *, new_day: bool) -> Settings:
        """Return the rules an account starts with."""
        if new_day:
            return self.begin_day(turn)
        for text in self.origin.not_restored:
            turn.alarm(AlarmCode.RULE_NOT_RESTORED, text)
        if turn.state.terms is None:
            turn.alarm(AlarmCode.RULE_NOT_RESTORED, _UNTOLD)
        return self._adopt(turn, self._before)

    def begin_day(self, turn: Turn) -> Settings:
        """Return the rules of a new trading day: the file's alone; end what they no longer lock."""
        in_force = self._note(turn, self.file, self._before, self.asked.lock_unjudged_after_s)
        keeping.release_unlocked(turn, self.file)
        return in_force

    def adopt(self, turn: Turn, command: AdoptRules) -> Settings:
        """Return the rules in force under a changed configuration."""
        rules = tuple(_setting(each.rule, each.parameters) for each in command.rules)
        self.asked = replace(
            self.asked, rules=rules, lock_unjudged_after_s=command.lock_unjudged_after_s
        )
        self.origin = Origin(config=command.config)
        return self._adopt(turn, self._before)

    @property
    def _before(self) -> Settings | None:
        """Return what was in force; None where nothing is known of it, which is no change."""
        return (self.origin.earlier or None) if self.in_force is None else self.in_force

    def _adopt(self, turn: Turn, held: Settings | None) -> Settings:
        after_s = failing_closed.stricter(
            self.lock_unjudged_after_s, self.asked.lock_unjudged_after_s
        )
        return self._note(turn, rulebook.combined(held or (), self.file), held, after_s)

    def _note(
        self, turn: Turn, in_force: Settings, before: Settings | None, after_s: float | None
    ) -> Settings:
        earlier_s, self.lock_unjudged_after_s = self.lock_unjudged_after_s, after_s
        asked_s, self.in_force = self.asked.lock_unjudged_after_s, in_force
        adopted = RulesAdopted(
            **turn.head(),
            config=self.origin.config,
            rules=rulebook.written(in_force, turn.now, turn.state.day_end(turn.now)),
            applied=()
            if before is None
            else (*rulebook.applied(before, in_force), *failing_closed.change(earlier_s, after_s)),
            queued=(
                *rulebook.queued(in_force, self.file),
                *terms.waiting(turn.state.terms, self.asked),
                *(f"{each} at the reset" for each in failing_closed.change(after_s, asked_s)),
            ),
            lock_unjudged_after_s=after_s,
        )
        turn.record(adopted)
        return in_force


def _setting(rule_id: str, parameters: Parameters) -> RuleSetting:
    rule = rule_by_id(rule_id)
    if rule is None:
        raise ValueError(f"{rule_id} is no rule")
    return RuleSetting(rule=rule, parameters=parameters)
