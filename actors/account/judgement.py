"""The last judgement before an account becomes OPEN: every rule asked once, all must answer. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Judgement:
    """Which rules still owe an answer to the judgement under way."""

    missing: Counter[str] = field(default_factory=Counter)
    """Rules that have not answered, and how often they still must."""
    _count: int = 0
    _begun: bool = False

    def begin(self, rules: Iterable[str]) -> str:
        """Begin a judgement by these rules; answers to an earlier one no longer count."""
        self._count += 1
        self._begun = True
        self.missing = Counter(rules)
        return f"j{self._count}"

    def answered(self, judgement: str | None, rule: str) -> None:
        """Note a rule's answer."""
        if judgement == f"j{self._count}":
            self.missing -= Counter((rule,))

    def void(self) -> None:
        """Forget the judgement under way: it was by rules that are no longer those in force."""
        self._begun = False

    @property
    def clean(self) -> bool:
        """Say whether every rule has answered (breaches show in the account's own state)."""
        return self._begun and not self.missing
