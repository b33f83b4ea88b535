"""What one account is guarded by: its effective rules and the limits of the guard itself. Pure.

Which rules a fact concerns is worked out here, once, and not with every fact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.account.trading_day import TradingDay
from actors.rules.rule import AnyRule
from messages.values import FactKind, Parameters


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """One enabled rule with the account's effective parameters."""

    rule: AnyRule
    """The rule."""
    parameters: Parameters
    """Complete: resolved against the trading day and the calendar."""
    listens: frozenset[FactKind] = field(init=False, compare=False)
    """The kinds of facts that can break it."""
    address: str = field(init=False, compare=False)
    """Where it is judged."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "listens", self.rule.listens(self.parameters))
        object.__setattr__(self, "address", f"rule/{self.rule.id}")

    @property
    def line(self) -> str:
        """Say in one line what it does."""
        return f"{self.rule.id} {self.rule.name}: {self.rule.describe(self.parameters)}"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """How one account is guarded."""

    account: int
    """Account id."""
    name: str
    """Account name."""
    login: str
    """Login it belongs to."""
    rules: tuple[RuleSetting, ...]
    """Enabled rules, by id; while a looser configuration waits, one may stand there twice."""
    day: TradingDay
    """The trading day; another one that has begun ends by its own table first."""
    deadline_s: float
    """Seconds after which the account is locked even if flat is not confirmed."""
    journal_deadline_s: float
    """Seconds the journal is given before enforcement goes ahead unrecorded."""
    quote_max_age_s: float
    """Seconds after which a quote no longer values a position."""
    late_after_s: float
    """Seconds after which a fact that is not judged yet makes the account STALE."""
    conservative_mark: bool
    """Value positions at the side they would close on instead of the last trade."""
    gross: bool
    """Leave fees and commissions out of the day's P&L."""
    profile: str | None = None
    """Profile the rules come from, for people; None = the defaults alone."""
    shadow: bool = False
    """Only watch: the gateway keeps every command back."""
    lock_unjudged_after_s: float | None = None
    """Seconds after which a rule that cannot judge the account locks it; None = never."""
    listening: Mapping[FactKind, tuple[RuleSetting, ...]] = field(init=False, compare=False)
    """The rules by the kinds of facts they listen to."""
    timed: tuple[RuleSetting, ...] = field(init=False, compare=False)
    """The rules that the clock alone may break."""

    def __post_init__(self) -> None:
        listening = {
            kind: tuple(each for each in self.rules if kind in each.listens) for kind in FactKind
        }
        timed = tuple(each for each in self.rules if each.rule.next_check)
        object.__setattr__(self, "listening", listening)
        object.__setattr__(self, "timed", timed)

    @property
    def poll_s(self) -> float | None:
        """Return how often the account's record must be read, seconds; None = no rule needs it."""
        wanted = [
            each.rule.poll_s(each.parameters) for each in self.rules if each.rule.poll_s is not None
        ]
        return min(wanted, default=None)

    @property
    def rule_count(self) -> int:
        """Return how many rules there are, one that stands there twice counted once."""
        return len({each.rule.id for each in self.rules})
