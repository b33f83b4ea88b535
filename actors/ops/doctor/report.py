"""What the doctor found, for people: what is bad first, each with what it means and what to do.

Colours only underline what the words say already, so nothing is lost where `NO_COLOR` is set.
"""

from collections import Counter

from rich.table import Table
from rich.text import Text

from actors.ops.console import Console
from actors.ops.doctor.finding import Examination, Finding, Level

_STYLES = {
    Level.OK: "green",
    Level.WARNING: "yellow",
    Level.UNKNOWN: "bold yellow",
    Level.CRITICAL: "bold red",
}
_WORST_FIRST = (Level.CRITICAL, Level.UNKNOWN, Level.WARNING)


def print_examination(done: Examination, console: Console) -> None:
    """Print a table of everything, and below it what is to be done, the worst first."""
    console.print(_table(done.findings))
    for level in _WORST_FIRST:
        for each in done.findings:
            if each.level is level:
                console.print(_advice(each), soft_wrap=True)
    console.print(_sum(done), soft_wrap=True)


def _table(findings: tuple[Finding, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("what was found", overflow="fold")
    for each in findings:
        about = f"{each.about}: " if each.about else ""
        table.add_row(
            Text(each.level, style=_STYLES[each.level]), each.check, Text(f"{about}{each.what}")
        )
    return table


def _advice(each: Finding) -> Text:
    about = f" ({each.about})" if each.about else ""
    text = Text(f"\n{each.level.upper()} {each.check}{about}: {each.what}", _STYLES[each.level])
    return text.append(f"\n   why: {each.why}\n   fix: {each.fix}", style="not bold default")


def _sum(done: Examination) -> Text:
    counted = Counter(each.level for each in done.findings)
    said = ", ".join(f"{counted[level]} {level}" for level in Level if counted[level])
    end = "nothing critical" if done.exit_code == 0 else f"exit {done.exit_code}"
    return Text(f"\n{said}: {end}")
