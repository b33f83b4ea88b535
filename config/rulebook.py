"""Checks the rules of a whole file: every layer by itself, and what every account gets of them. Pure."""

from datetime import datetime

from actors.rules.rule import RuleContext
from config.contradictions import contradictions, oddities
from config.effective import Effective, EffectiveRule, check_layer, effective
from config.keys import Key, shown
from config.layers import Layer, groups, unpicked
from config.lines import Lines
from config.schema import ConfigFile
from config.strict import meant


def check_rules(
    file: ConfigFile,
    context: RuleContext,
    now: datetime,
    complaints: list[str],
    *,
    name: str,
    lines: Lines,
) -> list[str]:
    """Complain of every rule that cannot be used, and of contradictions; return the warnings."""
    _check_picks(file, complaints)
    warnings: list[str] = []
    places = [*groups(file), *unpicked(file)]
    for layer in _layers([each for group in places for each in group.layers]):
        check_layer(layer, complaints)
    for group in places:
        rules = effective(group.layers, context, complaints)
        warnings += _caveats(rules, now)
        picture = Effective(rules, name, lines)
        for clash in contradictions(picture, context, now):
            said = f"{shown(clash.key)}: {clash.text}"
            if clash.name in file.checks.allow:
                warnings.append(f"{said} (allowed: {clash.name})")
            else:
                complaints.append(f"{said}; mend one, or put {clash.name!r} in [checks] allow")
        warnings += [f"{shown(key)}: {text}" for key, text in oddities(picture)]
    return list(dict.fromkeys(warnings))


def _caveats(rules: tuple[EffectiveRule, ...], now: datetime) -> list[str]:
    """Return what the rules do not know, and what they do instead."""
    return [
        f"{shown(each.table)}: {text}"
        for each in rules
        if each.setting and each.rule.caveats
        for _, text in each.rule.caveats(each.setting.parameters, now)
    ]


def _layers(found: list[Layer]) -> list[Layer]:
    """Return each layer once."""
    by_path: dict[Key, Layer] = {}
    for layer in found:
        by_path.setdefault(layer.path, layer)
    return list(by_path.values())


def _check_picks(file: ConfigFile, complaints: list[str]) -> None:
    """Complain of profiles that are picked and not there."""
    picks: list[tuple[Key, str | None]] = [(("defaults",), file.defaults.profile)]
    picks += [(("logins", each.name), each.profile) for each in file.logins]
    picks += [(("accounts", str(each.account)), each.profile) for each in file.accounts]
    for where, profile in picks:
        if profile is not None and profile not in file.profiles:
            hint = meant(profile, list(file.profiles))
            complaints.append(
                f"{shown((*where, 'profile'))}: there is no profile {profile!r}; {hint}"
            )
