"""What `check` prints: who gets which rules, and where each value came from.

A table on a terminal, plain lines where something else reads, and the same as one JSON object.
"""

from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from actors.rules.manual import shown
from config.effective import Effective, EffectiveRule
from config.loader import Config


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
        if plain:
            for line in _lines(effective):
                console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)
        else:
            console.print(_table(effective))


def report(config: Config) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "config": config.digest,
        "warnings": config.warnings,
        "rules": {
            group.name: {rule.rule.id: _page(effective, rule) for rule in effective.rules}
            for group, effective in config.groups()
        },
    }


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
            style = "dim" if origin == "built-in default" else ""
            cells = ("", name, shown(value), origin)
            table.add_row(*(Text(each, style=style) for each in cells))
    return table
