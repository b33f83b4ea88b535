"""The rules there are: every module of this package that defines `RULE`, in the order of their ids."""

import importlib
import pkgutil
from functools import cache

import actors.rules as package
from actors.rules.rule import AnyRule, Rule


@cache
def all_rules() -> tuple[AnyRule, ...]:
    """Return every rule, ordered by id.

    Raises:
        ValueError: two modules claim the same id or key.
    """
    found: list[AnyRule] = []
    for module in pkgutil.iter_modules(package.__path__):
        rule = getattr(importlib.import_module(f"{package.__name__}.{module.name}"), "RULE", None)
        if isinstance(rule, Rule):
            found.append(rule)
    ids, keys = {rule.id for rule in found}, {rule.key for rule in found}
    if not len(ids) == len(keys) == len(found):
        raise ValueError(f"two rules share an id or a key: {sorted(rule.id for rule in found)}")
    return tuple(sorted(found, key=lambda rule: rule.id))


def rule_by_id(rule_id: str) -> AnyRule | None:
    """Return the rule of an id, or None."""
    return next((rule for rule in all_rules() if rule.id == rule_id), None)


def rule_by_key(key: str) -> AnyRule | None:
    """Return the rule of a configuration table, or None."""
    return next((rule for rule in all_rules() if rule.key == key), None)
