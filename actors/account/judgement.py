"""The last judgement before an account becomes OPEN: every rule asked once, all must answer. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Judgement:
    """Which rules still owe an answer to the judgement under way."""

    missing: set[str] = field(default_factory=set)
    """Rules that have not answered."""
    _count: int = 0
    _begun: bool = False

    def begin(self, rules: Iterable[str]) -> str:
        """Begin a judgement by these rules; answers to an earlier one no longer count."""
        self._count += 1
        self._begun = True
        self.missing = set(rules)
        return f"j{self._count}"

    def answered(self, judgement: str | None, rule: str) -> None:
        """Note a rule's answer."""
        if judgement == f"j{self._count}":
            self.missing.discard(rule)

    @property
    def clean(self) -> bool:
        """Say whether every rule has answered (breaches show in the account's own state)."""
        return self._begun and not self.missing
