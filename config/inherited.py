"""What an account inherits beside its rules: the nearest table that says it counts. Pure.

Its own table comes before its profile, and that before the defaults.
"""

from collections.abc import Iterator

from config.keys import Key, shown
from config.layers import picked
from config.schema import AccountOverride, ConfigFile, Defaults, Login, Profile


def loss_limit_confirmed(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> str | None:
    """Return the day on which the platform's own loss limit was looked at; None = never."""
    said = (each.platform_loss_limit_confirmed for each in _nearest(file, login, override))
    return next((day for day in said if day is not None), None)


def is_shadow(file: ConfigFile, login: Login | None, override: AccountOverride | None) -> bool:
    """Say whether an account is only watched."""
    said = (each.shadow for each in _nearest(file, login, override))
    return next((shadow for shadow in said if shadow is not None), False)


def lock_unjudged_after_s(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> float | None:
    """Return after how many seconds a rule that cannot judge the account locks it; None = never."""
    said = (each.lock_unjudged_after_s for each in _nearest(file, login, override))
    return next((after_s for after_s in said if after_s is not None), None) or None


def shadow_warnings(file: ConfigFile) -> list[str]:
    """Return where the file says that accounts are only watched."""
    places: list[tuple[Key, bool | None]] = [(("defaults", "shadow"), file.defaults.shadow)]
    places += [(("profiles", name, "shadow"), each.shadow) for name, each in file.profiles.items()]
    places += [(("accounts", str(each.account), "shadow"), each.shadow) for each in file.accounts]
    what = "SHADOW: only watched; nothing is closed, cancelled or locked there"
    return [f"{shown(where)}: {what}" for where, shadow in places if shadow]


def _nearest(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> Iterator[AccountOverride | Profile | Defaults]:
    if override is not None:
        yield override
    name = picked(file, login, override)
    if name is not None and name in file.profiles:
        yield file.profiles[name]
    yield file.defaults
