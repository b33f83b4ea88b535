"""The rules of the configuration: defaults, overrides, and what an account gets of them. Pure."""

from datetime import datetime

from actors.account.settings import RuleSetting
from actors.rules.registry import all_rules, rule_by_key
from actors.rules.rule import AnyRule, RuleContext
from config import strict
from config.contradictions import contradictions
from config.schema import ConfigFile, RuleTables
from messages.values import Parameters


def check_rules(
    file: ConfigFile, context: RuleContext, now: datetime, complaints: list[str]
) -> list[str]:
    """Check the defaults and every account's effective rules; return the warnings."""
    warnings: list[str] = []
    said: set[str] = set()
    places: list[tuple[str, list[RuleTables]]] = [("defaults.rules", [])]
    places += [(f"accounts[{each.account}].rules", [each.rules]) for each in file.accounts]
    for where, overrides in places:
        tables = merged(file.defaults.rules, overrides)
        settings, found = settings_of(tables, where, context)
        # what is wrong in the defaults is said once, not for every account that inherits it
        complaints += [each for each in found if each.removeprefix(where) not in said]
        said |= {each.removeprefix(where) for each in found}
        warnings += [f"{where}: {text}" for text in _caveats(settings, now)]
        if not found:
            clashes = contradictions(settings, now)
            allowed = [clash for clash in clashes if clash.name in file.checks.allow]
            warnings += [f"{where}: {clash.text} (allowed)" for clash in allowed]
            complaints += [
                f"{where}: {clash.text}; mend it or put {clash.name!r} in [checks] allow"
                for clash in clashes
                if clash not in allowed
            ]
    return list(dict.fromkeys(warnings))


def _caveats(settings: tuple[RuleSetting, ...], now: datetime) -> list[str]:
    """Return what the rules do not know, and what they do instead."""
    return [
        f"{setting.rule.key}: {text}"
        for setting in settings
        if setting.rule.caveats
        for _, text in setting.rule.caveats(setting.parameters, now)
    ]


def merged(defaults: RuleTables, overrides: list[RuleTables]) -> RuleTables:
    """Return the tables with each override's own fields put over them."""
    tables = {key: dict(table) for key, table in defaults.items()}
    for override in overrides:
        for key, table in override.items():
            tables[key] = tables.get(key, {}) | table
    return tables


def settings_of(
    tables: RuleTables, where: str, context: RuleContext
) -> tuple[tuple[RuleSetting, ...], list[str]]:
    """Return the enabled rules of some tables, and what is wrong with them."""
    complaints: list[str] = []
    found: list[RuleSetting] = []
    for key, table in tables.items():
        rule = rule_by_key(key)
        if rule is None:
            known = ", ".join(each.key for each in all_rules())
            complaints.append(f"{where}.{key}: there is no such rule; known are {known}")
            continue
        parameters = _parameters(rule, table, f"{where}.{key}", complaints)
        if parameters is not None and parameters.enabled:
            found.append(RuleSetting(rule=rule, parameters=rule.resolve(parameters, context)))
    return tuple(sorted(found, key=lambda setting: setting.rule.id)), complaints


def _parameters(rule: AnyRule, raw: object, where: str, complaints: list[str]) -> Parameters | None:
    parameters = strict.table(raw, rule.parameters, where, complaints)
    if parameters is None:
        return None
    wrong = rule.check(parameters)
    complaints += [f"{where}.{each}" for each in wrong]
    return None if wrong else parameters
