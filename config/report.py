"""What `check` prints: who gets which rules, and where each value came from.

A table on a terminal, plain lines where something else reads, and the same as one JSON object.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.rules.manual import shown
from config.effective import BUILT_IN, Effective, EffectiveRule
from config.layers import Group
from config.loader import Config

_LOCK_UNJUDGED = "lock_unjudged_after_s"


def print_report(config: Config, console: Console) -> None:
    """Print everything the configuration means."""
    plain = not console.is_terminal
    console.print(f"{config.path}: valid", markup=False, highlight=False, soft_wrap=True)
    for warning in config.warnings:
        console.print(f"  warning: {warning}", markup=False, highlight=False, soft_wrap=True)
    for group, effective in config.groups():
        count = len(effective.settings)
        console.print(
            f"\n{group.name}: {count} rules", markup=False, highlight=False, soft_wrap=True
        )
        after_s, origin = _lock_unjudged(group, effective)
        console.print(
            f"  {_LOCK_UNJUDGED} = {'never' if after_s is None else format(after_s, 'g')}  ← {origin}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if plain:
            for line in _lines(effective):
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(_table(effective))


def report(config: Config) -> dict[str, Any]:
    """Return the same for programs."""
    groups = config.groups()
    return {
        "config": config.digest,
        "warnings": config.warnings,
        "rules": {
            group.name: {rule.rule.id: _page(effective, rule) for rule in effective.rules}
            for group, effective in groups
        },
        _LOCK_UNJUDGED: {
            group.name: dict(zip(("value", "from"), _lock_unjudged(group, effective), strict=True))
            for group, effective in groups
        },
    }


def _lock_unjudged(group: Group, effective: Effective) -> tuple[float | None, str]:
    """Return after how many seconds unjudged they are locked, None = never; and who says so."""
    for layer in reversed(group.layers):
        if (after_s := layer.table.lock_unjudged_after_s) is not None:
            place = effective.place((*layer.path[:-1], _LOCK_UNJUDGED))
            return after_s or None, f"{layer.label} ({place})"
    return None, BUILT_IN


def _page(effective: Effective, rule: EffectiveRule) -> dict[str, Any]:
    return {
        "key": rule.rule.key,
        "name": rule.rule.name,
        "enabled": rule.setting is not None,
        "does": _does(rule),
        "parameters": {
            name: {"value": value, "from": effective.origin(rule, name)}
            for name, value in _values(rule)
        },
    }


def _does(rule: EffectiveRule) -> str:
    return rule.rule.describe(rule.setting.parameters) if rule.setting else "off"


def _values(rule: EffectiveRule) -> Iterator[tuple[str, Any]]:
    """Yield the parameters; of a rule that is off, only what is shown."""
    if rule.setting and rule.parameters:
        fields = rule.parameters.__struct_fields__
    else:
        fields = tuple(rule.origins)
    for name in fields:
        if rule.parameters is not None and (name != "enabled" or name in rule.origins):
            yield name, getattr(rule.parameters, name)
        elif name == "enabled" and rule.parameters is None:
            yield name, False


def _lines(effective: Effective) -> Iterator[str]:
    for rule in effective.rules:
        yield f"{rule.rule.id} {rule.rule.name}: {_does(rule)}"
        for name, value in _values(rule):
            yield f"    {name} = {shown(value)}  ← {effective.origin(rule, name)}"


def _table(effective: Effective) -> Table:
    table = Table(show_edge=False, pad_edge=False, expand=False)
    for heading in ("rule", "parameter", "value", "from"):
        table.add_column(heading, overflow="fold")
    for rule in effective.rules:
        table.add_row(
            Text(rule.rule.id, style="bold"), Text(rule.rule.name, style="bold"), Text(_does(rule))
        )
        for name, value in _values(rule):
            origin = effective.origin(rule, name)
            style = "dim" if origin == BUILT_IN else ""
            cells = ("", name, shown(value), origin)
            table.add_row(*(Text(each, style=style) for each in cells))
    return table
