"""What the import has to tell: whatever did not simply become the same in our words."""

from dataclasses import dataclass, field
from typing import Literal

type Kind = Literal["decide", "changed", "dropped", "ignored"]

HEADINGS: dict[Kind, str] = {
    "decide": "You must decide",
    "changed": "Means something else now",
    "dropped": "Not carried over",
    "ignored": "What the original silently ignored or assumed",
}


@dataclass(slots=True)
class Notes:
    """Everything that is to be told, by kind."""

    said: dict[Kind, list[str]] = field(default_factory=lambda: {kind: [] for kind in HEADINGS})
    """In the order it was found."""

    def add(self, kind: Kind, place: str, text: str) -> None:
        """Tell something about a setting of the original."""
        line = f"{place}: {text}"
        if line not in self.said[kind]:
            self.said[kind].append(line)

    def lines(self) -> list[str]:
        """Return all of it as text, the decisions first."""
        found: list[str] = []
        for kind, heading in HEADINGS.items():
            if self.said[kind]:
                found += [f"{heading}:", *(f"  - {each}" for each in self.said[kind])]
        return found
