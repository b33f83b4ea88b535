"""Configurations for the tests of the loader, and what `load` and `check` make of them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.errors import ConfigError
from config.loader import Config, load

NOW = datetime(2025, 10, 29, 17, tzinfo=UTC)
LOGIN = '[[logins]]\nname = "desk"\n'


def loaded(folder: Path, text: str, **environment: str) -> Config:
    """Return what a file of this text means."""
    path = folder / "mine.toml"
    path.write_text(text)
    return load(path, now=NOW, environment=environment)


def refusals(folder: Path, text: str, **environment: str) -> list[str]:
    """Return the complaints about a file of this text, each without the path of the file."""
    with pytest.raises(ConfigError) as refused:
        loaded(folder, text, **environment)
    return [each.removeprefix(f"{folder / 'mine.toml'}:") for each in refused.value.complaints]


def values(config: Config, *names, login: str | None = "desk", rule: str) -> dict:
    """Return the effective parameters of one rule of an account; empty = it is off."""
    for each in config.effective_rules(*names, login=login):
        if each.rule.key == rule:
            parameters = each.parameters
            return {name: getattr(parameters, name) for name in parameters.__struct_fields__}
    return {}
