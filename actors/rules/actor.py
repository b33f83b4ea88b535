"""RuleActor: judges every account by one rule and holds nothing, so a restart of it loses nothing.

Started once per rule. `Evaluate` comes in with the picture and the account's parameters; a breach, the
answer to a last judgement, or the failure of the rule goes back to the account. It never blocks. Its
turns come ahead, so that what is judged keeps up with what is booked; an account whose picture waited too
long all the same is told so, once a second at most.
"""

from datetime import datetime, timedelta
from typing import Any

from actors.rules.rule import AnyRule
from actors.runtime import Clock, Directory, Dispatcher, PooledActor
from messages.commands import Evaluate, NoteLateness, ReportRuleFailure, ReportVerdict
from messages.queries import Ping

_AGAIN = timedelta(seconds=1)
"""Between two tellings of one account that a rule is behind."""


class RuleActor(PooledActor):
    """One rule, shared by all accounts."""

    ahead = True

    def __init__(
        self,
        *,
        rule: AnyRule,
        late_after_s: float,
        clock: Clock,
        directory: Directory,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(dispatcher=dispatcher)
        self._rule = rule
        self._late_after_s = late_after_s
        self._told_late: dict[int, datetime] = {}
        self._clock = clock
        self._directory = directory

    def on_receive(self, message: Any) -> Any:
        """Judge; runs on a worker of the pool."""
        match message:
            case Evaluate():
                self._judge(message)
                return None
            case Ping():
                return self._rule.id
            case _:
                raise TypeError(f"{self._rule.id} cannot be told {type(message).__name__}")

    def _weigh(self, message: Evaluate) -> None:
        now = self._clock.now()
        late_s = (now - message.at).total_seconds()
        if late_s <= self._late_after_s:
            return
        told = self._told_late.get(message.account)
        if told is None or now - told >= _AGAIN:
            self._told_late[message.account] = now
            note = NoteLateness(
                account=message.account,
                at=now,
                cause=message.cause,
                late_s=late_s,
                where=self._rule.id,
            )
            self._directory.tell(f"account/{message.account}", note)

    def _judge(self, message: Evaluate) -> None:
        self._weigh(message)
        try:
            breach = self._rule.evaluate(message.view, message.parameters)
            manage = self._rule.manage
            moves = manage(message.view, message.parameters) if manage else ()
        except Exception as error:  # noqa: BLE001 - one rule's bug must reach the account, loudly
            self._reply(
                message,
                ReportRuleFailure(
                    account=message.account,
                    at=self._clock.now(),
                    cause=message.cause,
                    rule=self._rule.id,
                    error=f"{type(error).__name__}: {error}",
                    judgement=message.judgement,
                ),
            )
            return
        if breach is None and not moves and message.judgement is None:
            return
        self._reply(
            message,
            ReportVerdict(
                account=message.account,
                at=self._clock.now(),
                cause=message.cause,
                rule=self._rule.id,
                breach=breach,
                moves=moves,
                trading_date=message.view.trading_date,
                judgement=message.judgement,
            ),
        )

    def _reply(self, asked: Evaluate, answer: ReportVerdict | ReportRuleFailure) -> None:
        self._directory.tell(f"account/{asked.account}", answer)
