"""The rules an account gets of all its layers, and which layer says what. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from actors.account.settings import RuleSetting
from actors.rules.registry import all_rules, rule_by_key
from actors.rules.rule import AnyRule, RuleContext
from config import strict
from config.keys import Key, leading, shown
from config.layers import Layer
from config.lines import Lines
from messages.values import Parameters

BUILT_IN = "built-in default"
"""Says of a value that nobody has written it."""


@dataclass(frozen=True, slots=True)
class EffectiveRule:
    """One rule as it applies to an account."""

    rule: AnyRule
    """The rule."""
    parameters: Parameters | None
    """What is configured, not resolved yet; None = it is off and not fully written."""
    table: Key
    """Its table in the last layer that has one."""
    origins: Mapping[str, Layer]
    """Which layer says each field; a field that is missing here has its built-in default."""
    setting: RuleSetting | None
    """What guards the account; None = it is off."""

    def key_of(self, field: str) -> Key:
        """Return where a field is written; one that is not, at its table."""
        layer = self.origins.get(field)
        return (*layer.path, self.rule.key, field) if layer else (*self.table, field)


@dataclass(frozen=True, slots=True)
class Effective:
    """All rules that are written for an account, and the file they are written in."""

    rules: tuple[EffectiveRule, ...]
    """By rule id, those that are off included."""
    file: str
    """Name of the file."""
    lines: Lines
    """Where its keys stand."""

    @property
    def settings(self) -> tuple[RuleSetting, ...]:
        """Return the rules that are on."""
        return tuple(each.setting for each in self.rules if each.setting)

    def enabled(self, key: str) -> EffectiveRule | None:
        """Return a rule that is on."""
        return next((each for each in self.rules if each.setting and each.rule.key == key), None)

    def value(self, key: str, field: str) -> Any:
        """Return a parameter of a rule that is on; None where the rule is off or knows no such field."""
        rule = self.enabled(key)
        return rule and getattr(rule.parameters, field, None)

    def origin(self, rule: EffectiveRule, field: str) -> str:
        """Say who gives a field its value: `profile topstep_50k (lockstep.toml:52)`."""
        layer = rule.origins.get(field)
        return f"{layer.label} ({self.place(rule.key_of(field))})" if layer else BUILT_IN

    def place(self, key: Key) -> str:
        """Return file and line of a key."""
        line = self.lines.of(key)
        return self.file if line is None else f"{self.file}:{line}"


def effective(
    layers: Sequence[Layer], context: RuleContext, complaints: list[str]
) -> tuple[EffectiveRule, ...]:
    """Return what the layers together say; add complaints about values, but see `check_layer`."""
    keys = dict.fromkeys(key for layer in layers for key in layer.rules)
    found = [
        one
        for key in keys
        if (rule := rule_by_key(key)) and (one := _effective(rule, layers, context, complaints))
    ]
    return tuple(sorted(found, key=lambda each: each.rule.id))


def check_layer(layer: Layer, complaints: list[str]) -> None:
    """Complain of unknown rules, unknown keys and wrong types, in what other layers hide too."""
    for key, table in layer.rules.items():
        where = shown((*layer.path, key))
        rule = rule_by_key(key)
        if rule is None:
            hint = strict.meant(key, [each.key for each in all_rules()])
            complaints.append(f"{where}: there is no such rule; {hint}")
        else:
            strict.fields_of(table, rule.parameters, where, complaints)


def _effective(
    rule: AnyRule, layers: Sequence[Layer], context: RuleContext, complaints: list[str]
) -> EffectiveRule | None:
    written = [layer for layer in layers if rule.key in layer.rules]
    origins = {field: layer for layer in written for field in layer.rules[rule.key]}
    raw = {field: layer.rules[rule.key][field] for field, layer in origins.items()}
    table = (*written[-1].path, rule.key)
    wrong: list[str] = []
    fields = strict.fields_of(raw, rule.parameters, "", wrong)
    if fields is None:
        return None  # complained of by its layer, like all that is in `wrong`
    if not wrong and fields.get("enabled") is False and _missing(rule, fields):
        return EffectiveRule(rule, None, table, origins, setting=None)
    unread = frozenset(str(leading(each)[0]) for each in wrong)
    parameters = _parameters(rule, fields, table, origins, complaints, unread=unread)
    if parameters is None or wrong:
        return None
    setting = RuleSetting(rule=rule, parameters=rule.resolve(parameters, context))
    return EffectiveRule(rule, parameters, table, origins, setting if parameters.enabled else None)


def _parameters(
    rule: AnyRule,
    fields: dict[str, Any],
    table: Key,
    origins: Mapping[str, Layer],
    complaints: list[str],
    *,
    unread: frozenset[str],
) -> Parameters | None:
    """Return a rule's parameters; what it says of fields that could not be read is left out."""
    missing = _missing(rule, fields)
    if missing:
        complaints += [
            f"{shown((*table, name))}: is missing; write it"
            for name in missing
            if name not in unread
        ]
        return None
    parameters: Parameters = rule.parameters(**fields)
    said = rule.check(parameters)
    wrong = [each for each in said if not any(name in each for name in unread)]
    for each in wrong:
        layer = origins.get(str((leading(each) or ("",))[0]))
        where = (*layer.path, rule.key) if layer else table
        complaints.append(f"{shown(where)}.{each}")
    return None if wrong else parameters


def _missing(rule: AnyRule, fields: dict[str, Any]) -> list[str]:
    return [
        each.name
        for each in msgspec.structs.fields(rule.parameters)
        if each.required and each.name not in fields
    ]
