"""Answers for a rule that cannot: its account is told of the picture, or the verdict, that was lost.

Used by the system on every dead letter. A picture at which a rule's actor failed or hung, or that never
reached it, is one; so is a verdict that was refused because its actor had been replaced. Pure.
"""

from datetime import datetime
from typing import Any

from messages.base import Send
from messages.commands import Evaluate, ReportRuleFailure, ReportVerdict


def answer_for(address: str, letter: Any, error: str, now: datetime) -> Send | None:
    """Return what the account must be told of a dead letter; None when no judgement was lost by it."""
    match letter:
        case Evaluate():
            rule = address.removeprefix("rule/")
        case ReportVerdict(rule=rule):
            pass
        case _:
            return None
    failure = ReportRuleFailure(
        account=letter.account,
        at=now,
        cause=letter.cause,
        rule=rule,
        error=error,
        judgement=letter.judgement,
        lost=True,
    )
    return Send(f"account/{letter.account}", failure)
