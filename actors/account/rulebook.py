"""Which rules are in force after a change of the configuration, and how that is written down.

Pure. In force is every setting that no other implies: a new one that is at least as strict as the old one
replaces it, a looser one waits for the reset, and where neither implies the other both are judged until
then. So a breach under what was in force is one still, and one under the file is one at once; and
nothing is judged by parameters nobody ever wrote. A rule that left the file stays until the reset.
"""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from actors.account.settings import RuleSetting
from actors.rules.manual import shown
from actors.rules.registry import rule_by_id
from actors.rules.rule import AnyRule, RuleContext
from actors.rules.strictness import same, value_of
from messages.events import RulesAdopted
from messages.values import Parameters, RuleInForce

type Settings = tuple[RuleSetting, ...]

_encoder = msgspec.json.Encoder(decimal_format="string")


def combined(held: Settings, file: Settings) -> Settings:
    """Return what is in force until the reset, by rule id: what was, tightened by what the file says."""
    kept = [old for old in held if not any(_implies(new, old) for new in file)]
    news = [new for new in file if not any(_implies(old, new) for old in kept)]
    return tuple(sorted((*kept, *news), key=lambda setting: setting.rule.id))


def _implies(one: RuleSetting, other: RuleSetting) -> bool:
    return one.rule.id == other.rule.id and not any(_looser(one, other))


def _looser(new: RuleSetting, old: RuleSetting) -> Iterator[str]:
    """Yield the fields in which a setting is not known to be at least as strict as another."""
    for field in _fields(old):
        compare = old.rule.strictness.get(field, same)
        if not compare(field, new.parameters, old.parameters):
            yield field


def _fields(setting: RuleSetting) -> list[str]:
    """Return the fields that say how strict it is, those that `Rule.resolve` has added included."""
    return [name for name in setting.parameters.__struct_fields__ if name != "enabled"]


# --- what people are told of it ---


def applied(before: Settings, now: Settings) -> tuple[str, ...]:
    """Say in one line each what has changed between two sets of rules in force."""
    lines = [
        f"{old.rule.id} off" for old in before if old.rule.id not in {new.rule.id for new in now}
    ]
    for new in now:
        olds = [old for old in before if old.rule.id == new.rule.id]
        lines += [] if olds else [f"{new.rule.id} on: {new.rule.describe(new.parameters)}"]
        if new in olds:
            continue
        for old in olds:
            waits = set(_looser(new, old)) if old in now else set()
            lines += _changes(old, new, [name for name in _fields(old) if name not in waits])
    return tuple(dict.fromkeys(lines))


def queued(in_force: Settings, file: Settings) -> tuple[str, ...]:
    """Say in one line each what changes when only the file counts: at the reset."""
    lines: list[str] = []
    for old in in_force:
        new = next((each for each in file if each.rule.id == old.rule.id), None)
        if new is None:
            lines.append(f"{old.rule.id} off at the reset")
        elif new != old:
            until = (
                "at the reset; until then both are judged" if new in in_force else "at the reset"
            )
            lines += [f"{each} {until}" for each in _changes(old, new, list(_looser(new, old)))]
    return tuple(dict.fromkeys(lines))


def _changes(old: RuleSetting, new: RuleSetting, fields: list[str]) -> Iterator[str]:
    written = old.rule.parameters.__struct_fields__
    for field in fields:
        before, after = value_of(old.parameters, field), value_of(new.parameters, field)
        if field not in written:
            if not _says_the_same(field, old, new):
                yield f"{old.rule.id} what its parameters refer to (trading day, calendar)"
        elif before != after:
            yield f"{old.rule.id} {field} {shown(before)} → {shown(after)}"


def _says_the_same(field: str, one: RuleSetting, other: RuleSetting) -> bool:
    """Say whether what was resolved comes to the same, in whatever form it is known."""
    compare, (a, b) = one.rule.strictness.get(field, same), (one.parameters, other.parameters)
    return compare(field, a, b) and compare(field, b, a)


# --- what the journal keeps of it ---


def written(settings: Settings, now: datetime, day_end: datetime) -> tuple[RuleInForce, ...]:
    """Return rules as the journal keeps them, with what they refer to from now to the day's end."""
    return tuple(
        RuleInForce(
            rule=each.rule.id,
            parameters=_json(each.rule, each.parameters),
            resolved=_resolved(each, now, day_end),
        )
        for each in settings
    )


def _json(rule: AnyRule, parameters: Parameters) -> str:
    fields = {name: getattr(parameters, name) for name in rule.parameters.__struct_fields__}
    return _encoder.encode(rule.parameters(**fields)).decode()


def _resolved(setting: RuleSetting, now: datetime, day_end: datetime) -> str | None:
    keep = setting.rule.keep
    return _encoder.encode(keep(setting.parameters, now, day_end)).decode() if keep else None


class NotRestoredError(ValueError):
    """A journaled rule is not one of this build."""


def restored(adopted: RulesAdopted | None, context: RuleContext) -> tuple[Settings, list[str]]:
    """Return the rules that were in force, and what is wrong with those this build cannot read.

    The context is only for what an earlier build wrote without saying what it refers to.
    """
    settings: list[RuleSetting] = []
    complaints: list[str] = []
    for each in adopted.rules if adopted else ():
        try:
            setting = _restored(each, context)
        except (NotRestoredError, msgspec.ValidationError) as error:
            complaints.append(
                f"{each.rule} was in force as {each.parameters} and cannot be restored ({error}): "
                f"only what the configuration says of it counts now"
            )
            continue
        settings.append(setting)
        if setting.rule.recall and each.resolved is None:
            complaints.append(
                f"{each.rule} was in force as {each.parameters}, and the journal of an earlier build "
                f"does not say what that refers to: the trading day and calendar of now count"
            )
    return tuple(settings), complaints


def _restored(journaled: RuleInForce, context: RuleContext) -> RuleSetting:
    rule = rule_by_id(journaled.rule)
    if rule is None:
        raise NotRestoredError("this build has no such rule")
    parameters = msgspec.json.decode(journaled.parameters, type=rule.parameters)
    if wrong := rule.check(parameters):
        raise NotRestoredError("; ".join(wrong))
    if rule.recall and journaled.resolved is not None:
        return RuleSetting(rule=rule, parameters=rule.recall(parameters, journaled.resolved))
    return RuleSetting(rule=rule, parameters=rule.resolve(parameters, context))
