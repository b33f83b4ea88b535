"""Which rules owe the account a verdict because one was lost, until they have given it.

Pure. A rule that raised, or whose actor failed or hung at a picture of this account, has not judged it.
It is asked again, by all it may have missed: at once where its actor was lost (what took it down may have
been of that moment), else and from then on after pauses that grow. While a picture has cost the rule its
actor, which all accounts share, the account shows it no other but at these times. What was kept from it
meanwhile is judged after its answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from actors.account.turn import Turn
from messages.commands import ReportRuleFailure
from messages.values import AlarmCode

WOKEN = "unjudged"
_FIRST_PAUSE_S = 1.0
_LAST_PAUSE_S = 15.0
_PATIENCE_S = 30.0
"""How long an answer is waited for of which nobody says that it was lost."""

type Ask = Callable[[Turn, str, str], int | None]
"""Put a question to a rule by id, under a judgement's id; returns how many answers it must give, None
where no rule is asked at present."""


@dataclass(slots=True)
class Owed:
    """What one rule owes."""

    error: str
    losses: int = 0
    """Questions lost in a row, the one this began with included."""
    question: str | None = None
    """The question it was asked last, while its answer is awaited."""
    answers: int = 0
    """How many it must still give."""
    deadly: bool = False
    """It cost the rule its actor."""
    kept: bool = False
    """Something was kept from it."""


@dataclass(slots=True)
class Unjudged:
    """The rules of one account that owe it a verdict."""

    owed: dict[str, Owed] = field(default_factory=dict)
    _count: int = 0

    @property
    def reason(self) -> str:
        """Say for people which rules have not judged the account; empty when all have."""
        if not self.owed:  # as a rule, and asked with every fact
            return ""
        return "; ".join(
            f"not judged by {rule}: {self.owed[rule].error}" for rule in sorted(self.owed)
        )

    def keeps_from(self, rule: str) -> bool:
        """Say whether a rule is not to be shown a picture now; it is noted that there was one."""
        owed = self.owed.get(rule)
        if owed is None or not owed.deadly:
            return False
        owed.kept = True
        return True

    def lost(self, turn: Turn, failure: ReportRuleFailure, ask: Ask) -> None:
        """Note that a verdict was lost, and have the rule asked again."""
        rule = failure.rule
        owed = self.owed.setdefault(rule, Owed(failure.error))
        owed.error, owed.deadly = failure.error, owed.deadly or failure.lost
        if owed.losses and (owed.question is None or owed.question != failure.judgement):
            return  # another picture: the question under way, or the next, makes up for it
        owed.losses, owed.question = owed.losses + 1, None
        if owed.losses == 1 and failure.lost:
            self.ask(turn, rule, ask)
            return
        if owed.losses == 2:  # noqa: PLR2004 - asked again in vain
            turn.alarm(
                AlarmCode.RULE_UNJUDGED,
                f"{rule} has not judged account {failure.account}, asked twice: {failure.error}; what "
                "it would find is not enforced until it has; it is asked again and again",
            )
        pause_s = _FIRST_PAUSE_S * 2.0 ** min(max(owed.losses - 2, 0), 8)
        turn.wake_after(f"{WOKEN} {rule}", min(pause_s, _LAST_PAUSE_S))

    def ask(self, turn: Turn, rule: str, ask: Ask) -> None:
        """Ask a rule for what it owes; one that is not in force any more owes nothing."""
        owed = self.owed.get(rule)
        if owed is None:
            return
        self._count += 1
        owed.question, owed.kept = f"u{self._count}", False
        answers = ask(turn, rule, owed.question)
        if answers == 0:
            del self.owed[rule]
            return
        owed.answers = answers or 0
        turn.wake_after(f"{WOKEN} {rule}", _PATIENCE_S if answers else _LAST_PAUSE_S)

    def answered(self, turn: Turn, question: str | None, rule: str) -> Owed | None:
        """Note an answer; return what the rule had owed if nothing of it is left."""
        owed = self.owed.get(rule)
        if owed is None or question is None or question != owed.question:
            return None
        owed.answers -= 1
        if owed.answers:
            return None
        turn.cancel_wake(f"{WOKEN} {rule}")
        return self.owed.pop(rule)
