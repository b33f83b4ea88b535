"""What is known of the limits of firms: dated, sourced, and never to be believed by itself.

`firms/*.toml` is read for `init`, which offers a profile and has its user say every number anew. Nothing
else reads these files: a configuration holds what its user confirmed, and nothing comes from here later.
"""

from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path

import msgspec

from config import source, strict
from config.errors import ConfigError

FIRMS = Path(__file__).parent / "firms"


class FirmNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One limit of a firm, as a parameter of a rule."""

    rule: str
    """Key of the rule, e.g. `max_contracts`."""
    field: str
    """Its parameter, e.g. `limit`; the lower, the stricter."""
    value: Decimal
    """What is offered."""
    text: str
    """What it limits, with its unit."""
    basis: str
    """Where the number comes from."""
    confirmed: bool
    """Whether the user has said it himself; false in every file that ships."""


class FirmProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one product of a firm."""

    key: str
    """Its name as a profile of a configuration, e.g. `topstep_50k`."""
    name: str
    """What people call it."""
    accounts: str
    """Pattern of the account names it is suggested for."""
    numbers: tuple[FirmNumber, ...]
    """Its limits."""


class Firm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One firm: a file of `firms/`."""

    firm: str
    """What it is called."""
    source: str
    """Where the numbers come from."""
    written: str
    """When they were written down, ISO date."""
    expires: str
    """From this ISO date on no number is offered any more."""
    help: str
    """Where its user finds the present ones."""
    remarks: tuple[str, ...]
    """What else must be known of it."""
    profiles: tuple[FirmProfile, ...]
    """Its products."""

    def offers(self, on: date) -> bool:
        """Say whether its numbers are young enough to be offered."""
        return on < date.fromisoformat(self.expires)


def firms(folder: Path = FIRMS) -> tuple[Firm, ...]:
    """Return every firm there is something known of.

    Raises:
        ConfigError: a file is not as it must be.
    """
    return tuple(_firm(path) for path in sorted(folder.glob("*.toml")))


def suggested(name: str, known: tuple[Firm, ...]) -> FirmProfile | None:
    """Return the profile that fits the name of an account, if any."""
    found = (each for firm in known for each in firm.profiles if fnmatchcase(name, each.accounts))
    return next(found, None)


def _firm(path: Path) -> Firm:
    complaints: list[str] = []
    firm = strict.table(source.parse(path, source.read(path)), Firm, "", complaints)
    if firm is None or complaints:
        raise ConfigError(path, complaints)
    return firm
