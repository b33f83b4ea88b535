"""A plot in text: it needs no library, and is read where the table is."""

from collections.abc import Sequence

from tests.load.report import say

WIDTH = 50


def bars(title: str, lines: Sequence[tuple[str, float]]) -> None:
    """Print a bar per value, the greatest as wide as the plot."""
    most = max(value for _, value in lines)
    wide = max(len(label) for label, _ in lines)
    say(title)
    for label, value in lines:
        say(f"  {label.rjust(wide)} │{'█' * max(1, round(WIDTH * value / most))} {value:,.1f}")
    say()
