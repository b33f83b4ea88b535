"""The configuration reference, from the types and docstrings the loader itself reads by.

`.venv/bin/python -m config.reference > config/REFERENCE.md` writes it anew; a test compares the two.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from actors.reloading import LIVE
from actors.rules import strictness
from actors.rules.manual import (
    ParameterPage,
    field_docs,
    inner_of,
    manual,
    page_of,
)
from actors.rules.registry import rule_by_key
from actors.rules.rule import AnyRule
from config.schema import CalendarFile, ConfigFile

_HEAD = """\
# Configuration reference

Generated from the program; do not edit. To write it anew:
`.venv/bin/python -m config.reference > config/REFERENCE.md`.

One TOML file, read strictly: an unknown key, a wrong type, a wrong sign or a missing variable refuses to
start (78) and says where. Money is positive US dollars, a duration is in seconds, a time of day is local
wall time. `${NAME}` in a text is replaced by that environment variable. `./run check --config FILE` shows
what a file means for each account; `./run rules` is the same as below for rules.

Credentials are never in a file: each login names the environment variables that hold its username and API
key. `LOCKSTEP_TOKEN` (at least 16 characters) is what `reload` and `lock` must bear.
"""

_RULES = """\
## Rules

A rule's table stands in `[defaults.rules.KEY]`, `[profiles.NAME.rules.KEY]` or, below an `[[accounts]]`,
in `[accounts.rules.KEY]`: the later over the earlier, field by field. A rule that is not written is off;
each also takes `enabled` (true when it is not written; true is stricter). **stricter** says what a reload
applies at once; the other direction waits for the next reset, and where values are not compared, old and
new both apply until then. Each rule with an example: [actors/rules/](../actors/rules/README.md).
"""

_CALENDAR = """\
## A table of special days

The file that `[calendar] file` names; those that ship are in [calendar/](calendar/README.md).
"""

_DIRECTIONS = {
    strictness.lower: "lower",
    strictness.higher: "higher",
    strictness.true: "true",
    strictness.superset: "more",
    strictness.same: "not compared",
    strictness.wording: "any",
}


def reference() -> str:
    """Return the whole reference."""
    parts = [_HEAD, *_sections(), _RULES]
    for page in manual():
        rule = rule_by_key(page.key)
        assert rule is not None  # noqa: S101 - the manual is made from the registry
        rows = [
            (each, _stricter(rule, each.name)) for each in page.parameters if each.name != "enabled"
        ]
        summary = page.summary[0].upper() + page.summary[1:]
        parts.append(f"### `{page.key}`: {page.id} {page.name}\n\n{summary}\n")
        parts.append(_table(rows))
    parts += [_CALENDAR, _table([(each, "") for each in _pages(CalendarFile)])]
    return "\n".join(parts)


def stricter_of(one: strictness.Strictness) -> str:
    """Return in words which value of a parameter is the stricter."""
    if one in _DIRECTIONS:
        return _DIRECTIONS[one]
    parts: Mapping[str, Any] = (
        inspect.getclosurevars(one).nonlocals if inspect.isfunction(one) else {}
    )
    match parts:
        case {"values": values}:
            return " < ".join(map(str, values))
        case {"fields": fields}:
            return ", ".join(f"{name}: {stricter_of(each)}" for name, each in fields.items())
        case {"one": each}:
            return f"each: {stricter_of(each)}"
        case _:
            return (inspect.getdoc(one) or "not compared").splitlines()[0]


def _stricter(rule: AnyRule, name: str) -> str:
    """Return it for a parameter; its parts share what is said of the whole."""
    found = rule.strictness.get(name)
    if found is None:
        return "" if "." in name else "not compared"
    return stricter_of(found)


def _sections() -> Iterator[str]:
    texts = field_docs(ConfigFile)
    for field in msgspec.structs.fields(ConfigFile):
        kind, step = inner_of(field.type)
        assert kind is not None  # noqa: S101 - a file consists of tables
        title = {"": "[{}]", "[]": "[[{}]]", ".<name>": "[{}.NAME]"}[step].format(field.name)
        needed = " **Needed.**" if field.required else ""
        live = "`reload` takes a change" if field.name in LIVE else "A change needs a restart"
        text = texts.get(field.name, inspect.getdoc(kind))
        yield f"## `{title}`\n\n{text}{needed} {live}.\n"
        yield _table([(each, "") for each in _pages(kind)])


def _pages(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[ParameterPage]:
    """Yield every key of a table but its rules, which have pages of their own."""
    texts = field_docs(kind)
    for field in msgspec.structs.fields(kind):
        if field.name == "rules":
            continue
        inner, step = inner_of(field.type)
        about = (inspect.getdoc(inner) or "") if inner else ""
        yield page_of(field, f"{prefix}{field.name}", "", texts.get(field.name, about))
        if inner:
            yield from _pages(inner, f"{prefix}{field.name}{step}.")


def _table(rows: list[tuple[ParameterPage, str]]) -> str:
    if not rows:
        return "Only rules: see below.\n"
    strict = any(stricter for _, stricter in rows)
    head = ["key", "type", "default", *(["stricter"] if strict else []), "meaning"]
    lines = [head, ["---"] * len(head)]
    for page, stricter in rows:
        kind = f"{page.type}, {page.unit}" if page.unit else page.type
        cells = [f"`{page.name}`", kind, page.default]
        lines.append([*cells, *([stricter] if strict else []), page.text])
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


if __name__ == "__main__":
    sys.stdout.write(reference())
