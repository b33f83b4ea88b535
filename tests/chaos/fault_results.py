"""What a fault round leaves in numbers, and the table of a whole campaign."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.chaos.fault_plan import ACCOUNT_CARDS
from tests.chaos.faults import Breach
from tests.chaos.login_faults import LOGIN_CARDS
from tests.chaos.walk import Violation

NO_FAULT = "(no fault)"


@dataclass(frozen=True)
class Strike:
    """A card that was played."""

    name: str
    account: int | None
    """None = the whole login."""
    struck: int
    begun_s: float
    ended_s: float
    hides: bool


@dataclass(frozen=True)
class Enforced:
    """A breach and how long it took, in seconds."""

    account: int
    breach: Breach
    begun_s: float
    ended_s: float
    """Monotonic: from the breach to flat and locked."""
    flat_s: float
    """The longest that forbidden exposure stood at the exchange."""
    lock_s: float | None
    """From the breach to the lock; None = a cap locks nothing."""
    flat_after_s: float
    """Likewise, but not counted before the end of a fault that hid the breach or barred the way."""
    lock_after_s: float | None


@dataclass
class FaultRound:
    """What came of one round."""

    seed: str
    index: int
    plan: list[str]
    strikes: list[Strike] = field(default_factory=list)
    enforced: list[Enforced] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    deaths: tuple[str, ...] = ()
    """Nobody is killed in these."""

    def __str__(self) -> str:
        lines = [f"fault round {self.seed}/{self.index}", *self.plan]
        lines += [
            f"{each.name} at {each.account or 'the login'}: {each.struck}" for each in self.strikes
        ]
        lines += [
            f"{each.account} {each.breach}: flat in {each.flat_s:.2f} s"
            + ("" if each.lock_s is None else f", locked in {each.lock_s:.2f} s")
            for each in self.enforced
        ]
        return "\n  ".join([*lines, *(f"VIOLATION {each}" for each in self.violations)])


@dataclass
class _Row:
    """One fault in the table."""

    struck: int = 0
    breaches: int = 0
    violations: int = 0
    flat: list[tuple[float, float]] = field(default_factory=list)
    """Since the breach, and not counted before the end of a fault that hid or barred."""
    lock: list[tuple[float, float]] = field(default_factory=list)


def table(rounds: Iterable[FaultRound]) -> Iterator[str]:
    """Say for each fault how often it struck, the worst times, and the violations; a line each."""
    cards = (*ACCOUNT_CARDS, *LOGIN_CARDS)
    rows = {name: _Row() for name in (*(each.name for each in cards), NO_FAULT)}
    for each in rounds:
        _count(each, rows)
    yield f"    {'':<34}{'':>7}{'':>9}   worst seconds to   from a fault's end   viola-"
    times = f"{'flat':>9}{'lock':>9}{'flat':>10}{'lock':>10}"
    yield f"    {'fault':<34}{'struck':>7}{'breaches':>9}{times}   tions"
    hiding = {card.name for card in cards if card.hides}
    for name, row in rows.items():
        star = "*" if name in hiding else ""
        times = (row.flat, 0, 9), (row.lock, 0, 9), (row.flat, 1, 10), (row.lock, 1, 10)
        worst = "".join(f"{_worst(spans, which):>{width}}" for spans, which, width in times)
        yield f"    {name + star:<34}{row.struck:>7}{row.breaches:>9}{worst}{row.violations:>8}"
    yield "    * hides the breach or bars the way while it lasts: the last two columns count from its end"


def _worst(spans: list[tuple[float, float]], which: int) -> str:
    return f"{max(span[which] for span in spans):.2f}" if spans else "-"


def _count(round_: FaultRound, rows: dict[str, _Row]) -> None:
    struck = Counter({each.name: 0 for each in round_.strikes})
    for each in round_.strikes:
        struck[each.name] += each.struck
    for name, times in struck.items():
        rows[name].struck += times
    for each in round_.enforced:
        under = {strike.name for strike in round_.strikes if _concerns(strike, each)}
        for name in under or {NO_FAULT}:
            row = rows[name]
            row.breaches += 1
            row.flat.append((each.flat_s, each.flat_after_s))
            if each.lock_s is not None and each.lock_after_s is not None:
                row.lock.append((each.lock_s, each.lock_after_s))
    for violation in round_.violations:
        for name in _blamed(violation, round_) or {NO_FAULT}:
            rows[name].violations += 1


def _concerns(strike: Strike, enforced: Enforced) -> bool:
    if not strike.struck or strike.account not in {None, enforced.account}:
        return False
    return strike.begun_s < enforced.ended_s and strike.ended_s > enforced.begun_s


def _blamed(violation: Violation, round_: FaultRound) -> set[str]:
    return {
        each.name
        for each in round_.strikes
        if violation.account is None or each.account in {None, violation.account}
    }
