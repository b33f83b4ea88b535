"""Reads a scenario file strictly: every unknown word and wrong value is refused with its place.

All complaints of a file come at once, each with the step (counted from 1) or, for what is no TOML at
all, the line. Nothing is played from here.
"""

import tomllib
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import msgspec

from actors.rules.registry import all_rules
from actors.scenario import times
from actors.scenario.words import WORDS, File, Given, Happening, Step, System, Then
from messages.base import kind_of
from messages.events import Event
from messages.values import AlarmCode


class ScenarioError(Exception):
    """A scenario file that cannot be played; every complaint says where and what is known."""

    def __init__(self, path: Path, complaints: list[str]) -> None:
        lines = "\n".join(f"  - {complaint}" for complaint in complaints)
        super().__init__(f"{path}: {len(complaints)} thing(s) to mend:\n{lines}")


@dataclass(frozen=True, slots=True)
class Act:
    """One step, decoded."""

    number: int
    """Counted from 1."""
    step: Step
    """As it is written."""
    when: tuple[Happening, ...]
    """What happens."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario that can be played."""

    path: Path
    file: File
    start: datetime
    """The beginning, in the file's zone."""
    before: tuple[Happening, ...]
    """What happens before the system starts."""
    acts: tuple[Act, ...]

    def missing_rules(self) -> tuple[str, ...]:
        """Return the rules it needs and this build does not have."""
        known = {rule.id for rule in all_rules()}
        return tuple(rule for rule in self.file.needs if rule not in known)


def read(path: Path) -> Scenario:
    """Read a scenario.

    Raises:
        ScenarioError: with everything that is wrong.
    """
    raw = _parsed(path)
    complaints: list[str] = []
    _convert(raw.get("given", {}), Given, "given", complaints)
    steps = raw.get("steps", [])
    for number, each in enumerate(steps if isinstance(steps, list) else [], start=1):
        _convert(each, Step, f"step {number}", complaints)
    if complaints:
        raise ScenarioError(path, complaints)
    file = _convert(raw, File, "file", complaints)
    if file is None:
        raise ScenarioError(path, complaints)
    before = _happenings(file.given.before, "given.before", complaints)
    acts = tuple(_act(number, step, complaints) for number, step in enumerate(file.steps, start=1))
    start = _start(file.given.start, complaints)
    _check_times(file, start, complaints)
    _check_names([*before, *(each for act in acts for each in act.when)], complaints)
    if complaints or start is None:
        raise ScenarioError(path, complaints)
    return Scenario(path=path, file=file, start=start, before=before, acts=acts)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise ScenarioError(path, [f"cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ScenarioError(path, [f"is no UTF-8 text: {error.reason}"]) from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(path, [f"is no TOML: {error}"]) from error


def _convert[T](raw: object, kind: type[T], where: str, complaints: list[str]) -> T | None:
    try:
        return msgspec.convert(raw, kind, builtin_types=(Decimal,))
    except msgspec.ValidationError as error:
        complaints.append(f"{where}: {error}")
        return None


def _act(number: int, step: Step, complaints: list[str]) -> Act:
    where = f"step {number}"
    for then in (step.then, step.then_b):
        if then is not None:
            _check_kinds(then, where, complaints)
    if step.repeat < 1:
        complaints.append(f"{where}: repeat must be at least 1")
    if not (step.when or step.then or step.then_b or step.anew):
        complaints.append(f"{where}: says nothing; write `when`, `then` or both")
    return Act(number, step, _happenings(step.when, f"{where}, when", complaints))


def _happenings(
    raws: tuple[dict[str, Any], ...], where: str, complaints: list[str]
) -> tuple[Happening, ...]:
    found = [
        _happening(raw, f"{where} {number}", complaints) for number, raw in enumerate(raws, start=1)
    ]
    return tuple(each for each in found if each is not None)


def _happening(raw: dict[str, Any], where: str, complaints: list[str]) -> Happening | None:
    main = [word for word in raw if word in WORDS]
    if len(main) == 1:
        return _convert(raw, WORDS[main[0]], where, complaints)
    if main:
        complaints.append(f"{where}: {' and '.join(main)} are two happenings; write two tables")
        return None
    near = [match for word in raw for match in get_close_matches(word, WORDS, n=1)]
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(WORDS)}"
    complaints.append(f"{where}: no happening is called {', '.join(raw) or 'nothing'}; {hint}")
    return None


def _check_kinds(then: Then, where: str, complaints: list[str]) -> None:
    """A kind that cannot exist would be counted as 0 for ever."""
    kinds = {kind_of(each.__name__) for each in Event.__value__.__args__}
    said = [*(then.journal or {}), *(then.order or ())]
    complaints += [f"{where}: no event is called {kind}" for kind in said if kind not in kinds]
    complaints += [
        f"{where}: no alarm is called {code}"
        for code in then.alarms or ()
        if code not in AlarmCode.__members__
    ]


def _start(text: str, complaints: list[str]) -> datetime | None:
    try:
        return times.start(text)
    except ValueError as error:
        complaints.append(f"given.start: {error}")
        return None


def _check_times(file: File, start: datetime | None, complaints: list[str]) -> None:
    if start is None:
        return
    for number, step in enumerate(file.steps, start=1):
        untils = [
            lock.until
            for then in (step.then, step.then_b)
            if then is not None
            for lock in then.lockouts or ()
        ]
        anew = step.anew if isinstance(step.anew, str) else None
        for text in (step.at, anew, *untils):
            try:
                if text not in {None, "open"}:
                    times.moment(str(text), start)
            except ValueError as error:
                complaints.append(f"step {number}: {error}")
        if step.at is not None and step.after_s is not None:
            complaints.append(f"step {number}: `at` and `after_s` are two times; keep one")


def _check_names(happenings: list[Happening], complaints: list[str]) -> None:
    """A name that nobody was given is a mistake of the file, not of the system."""
    given = {getattr(each, "name", None) for each in happenings}
    for each in happenings:
        for field in ("voids", "cancels", "modifies"):
            name = getattr(each, field, None)
            if name is not None and name not in given:
                complaints.append(f"{field} {name!r}: nothing is called so; give it a `name`")
        if isinstance(each, System) and each.rules is not None and each.system != "starts":
            complaints.append(f"system {each.system!r}: only `starts` takes rules")
