"""The configuration a scenario's system starts with, as the TOML text the real loader reads. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from actors.scenario.stage import ACCOUNTS
from actors.scenario.words import Given, RuleTables


def tables(given: Given, rules: RuleTables | None = None) -> dict[str, Any]:
    """Return the tables that `given` asks for; `rules` replaces its default rules."""
    overrides = [
        {"account": ACCOUNTS[name], "rules": own} for name, own in sorted(given.rules_of.items())
    ]
    asked = {"defaults": {"rules": given.rules if rules is None else rules}, **given.config}
    return asked | ({"accounts": overrides} if overrides else {})


def merged(asked: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return both sets of tables as one; what the stage needs stands beside what is asked."""
    both = {key: asked[key] | own[key] for key in asked.keys() & own.keys()}
    return {**asked, **own, **both}


def to_toml(value: Mapping[str, Any]) -> str:
    """Return tables as TOML, one line for each."""
    return "".join(f"{_text(key)} = {_toml(each)}\n" for key, each in value.items())


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return _text(value)
        case list() | tuple():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            pairs = ", ".join(f"{_text(key)} = {_toml(each)}" for key, each in value.items())
            return f"{{ {pairs} }}"
        case _:
            return str(value)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
