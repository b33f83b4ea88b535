"""What an account inherits beside its rules: the nearest table that says it counts. Pure.

Its own table comes before its profile, and that before the defaults.
"""

from collections.abc import Iterator

from config.layers import picked
from config.schema import AccountOverride, ConfigFile, Defaults, Login, Profile


def loss_limit_confirmed(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> str | None:
    """Return the day on which the platform's own loss limit was looked at; None = never."""
    said = (each.platform_loss_limit_confirmed for each in _nearest(file, login, override))
    return next((day for day in said if day is not None), None)


def _nearest(
    file: ConfigFile, login: Login | None, override: AccountOverride | None
) -> Iterator[AccountOverride | Profile | Defaults]:
    if override is not None:
        yield override
    name = picked(file, login, override)
    if name is not None and name in file.profiles:
        yield file.profiles[name]
    yield file.defaults
