"""Which tables of rules apply to whom, and in which order: defaults, then profile, then account. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from config.keys import Key
from config.schema import AccountOverride, ConfigFile, Defaults, Login, Profile, RuleTables


@dataclass(frozen=True, slots=True)
class Layer:
    """One set of rule tables."""

    label: str
    """E.g. `profile topstep_50k`."""
    path: Key
    """Where its rules stand in the file."""
    table: Defaults | Profile | AccountOverride
    """The table that they are part of."""

    @property
    def rules(self) -> RuleTables:
        """Return what it says, by rule key."""
        return self.table.rules


@dataclass(frozen=True, slots=True)
class Group:
    """Accounts to which the same layers apply."""

    name: str
    """E.g. `every account` or `account 5`."""
    layers: tuple[Layer, ...]
    """The later ones are put over the earlier ones, field by field."""


def layers_for(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> tuple[Layer, ...]:
    """Return what applies to an account of a login; an override's profile comes before the login's."""
    found = [Layer("defaults", ("defaults", "rules"), file.defaults)]
    name = picked(file, login, override)
    if name is not None and name in file.profiles:
        found.append(profile_layer(file, name))
    if override:
        named = str(override.account)
        found.append(Layer(f"account {named}", ("accounts", named, "rules"), override))
    return tuple(found)


def picked(file: ConfigFile, login: Login | None, override: AccountOverride | None) -> str | None:
    """Return the profile of an account: its own, else its login's, else that of the defaults."""
    if override is not None and override.profile is not None:
        return override.profile
    if login is not None and login.profile is not None:
        return login.profile
    return file.defaults.profile


def profile_layer(file: ConfigFile, name: str) -> Layer:
    """Return the layer of a profile."""
    return Layer(f"profile {name}", ("profiles", name, "rules"), file.profiles[name])


def groups(file: ConfigFile) -> list[Group]:
    """Return who gets which rules: all accounts of each login, those that are named, the overridden.

    Who is behind `*` only the broker knows; an override is shown for every login it may belong to.
    """
    return _joined(file, list(_groups(file)))


def unpicked(file: ConfigFile) -> list[Group]:
    """Return what each profile would mean for an account, for the profiles that nobody picks."""
    picked = {file.defaults.profile}
    picked |= {each.profile for each in file.logins}
    picked |= {each.profile for each in file.accounts}
    defaults = Layer("defaults", ("defaults", "rules"), file.defaults)
    return [
        Group(f"profile {name}", (defaults, profile_layer(file, name)))
        for name in file.profiles
        if name not in picked
    ]


def _groups(file: ConfigFile) -> Iterator[Group]:
    overridden = {each.account for each in file.accounts}
    for login in file.logins:
        base = layers_for(file, login, None)
        if "*" in login.accounts:
            yield Group(f"every account of {login.name}", base)
        for account in login.accounts:
            if account != "*" and account not in overridden:
                yield Group(f"account {account}", base)
    for override in file.accounts:
        for possible in _possible_logins(file, override):
            yield Group(f"account {override.account}", layers_for(file, possible, override))


def _possible_logins(file: ConfigFile, override: AccountOverride) -> list[Login | None]:
    naming = [each for each in file.logins if override.account in each.accounts]
    return [*(naming or file.logins)] or [None]


def _joined(file: ConfigFile, found: list[Group]) -> list[Group]:
    """Put groups with the same layers together under all their names."""
    names: dict[tuple[Key, ...], list[str]] = {}
    stacks: dict[tuple[Key, ...], tuple[Layer, ...]] = {}
    for group in found:
        stack = tuple(layer.path for layer in group.layers)
        stacks[stack] = group.layers
        names.setdefault(stack, []).append(group.name)
    everyone = [f"every account of {each.name}" for each in file.logins]
    joined: list[Group] = []
    for stack, layers in stacks.items():
        unique = list(dict.fromkeys(names[stack]))
        if everyone and set(everyone) <= set(unique):
            unique = ["every account"]
        joined.append(Group(_listed(unique), layers))
    return joined


def _listed(names: list[str]) -> str:
    """Return `account 5`, `accounts 5, 6` or `every account of a, account 7`."""
    single = [each.removeprefix("account ") for each in names if each.startswith("account ")]
    others = [each for each in names if not each.startswith("account ")]
    if single:
        others.append(f"account{'s' if len(single) > 1 else ''} {', '.join(single)}")
    return ", ".join(others)
