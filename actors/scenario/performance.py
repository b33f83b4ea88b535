"""`main.py demo --scenario FILE`: a scenario over the wire, told line by line as it happens.

Every line of the middle column comes from a journaled event or from what was seen at the broker and in
the status; each `then` is told as met or not. Ends by itself.
"""

import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from actors.ops.narrator import narrate
from actors.scenario.player import Player, Verdict
from actors.scenario.reading import Scenario
from actors.scenario.wire import WireStage
from messages.base import Message
from messages.events import AccountGuarded

_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow"}


def perform(scenario: Scenario, console: Console) -> bool:
    """Play a scenario and tell it; return whether everything was as it must be."""
    return _Performance(scenario, console).play()


class _Performance:
    def __init__(self, scenario: Scenario, console: Console) -> None:
        self._scenario = scenario
        self._console = console
        self._zone = scenario.start.tzinfo or ZoneInfo("UTC")

    def play(self) -> bool:
        file = self._scenario.file
        self._print(f"── {file.title} ({', '.join(file.covers)})", "bold")
        with tempfile.TemporaryDirectory(prefix="lockstep-scenario-") as folder:
            stages = iter(range(1_000_000))

            def raise_stage(start: datetime) -> WireStage:
                return WireStage(Path(folder) / str(next(stages)), start, self._tell)

            player = Player(self._scenario, raise_stage, say=self._say, judge=self._judge)
            verdicts = player.play()
        failed = sum(not each.finding.met for each in verdicts)
        self._print(
            f"{len(verdicts)} expectations, {'all met' if not failed else f'{failed} not met'}",
            "bold red" if failed else "bold green",
        )
        return not failed

    def _say(self, line: str) -> None:
        self._print(f"▸ {line}", "bold")

    def _judge(self, verdict: Verdict) -> None:
        mark, style = ("✓", "green") if verdict.finding.met else ("✗", "bold red")
        self._print(f"  {mark} step {verdict.step}, {verdict.account}: {verdict.finding}", style)

    def _tell(self, event: Message) -> None:
        local = event.at.astimezone(self._zone).strftime("%H:%M:%S")
        for level, text in narrate(event):
            if not isinstance(event, AccountGuarded):
                self._print(f"    {local} {text}", _STYLES.get(level, ""))

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
