"""What `init` is told on its command line, and what of it is still missing. Pure."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from config.firm_profiles import Firm, FirmNumber, FirmProfile
from config.schema import Broker, Login

NO_PROFILE = "none"


class OptionError(ValueError):
    """Something on the command line cannot be meant; the text says what, and the fix."""


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The answers that are given as options; what is left out is asked for on a terminal."""

    account: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    """Guard only this account, by id or name; may be said more than once. Otherwise all are guarded."""
    max_loss_usd: str | None = None
    """Your own limit of a day's loss for every account, in US dollars, e.g. 500."""
    max_contracts: str | None = None
    """The most contracts an account may hold, e.g. 5."""
    profile: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    """A firm's profile for every account (topstep_50k), or for one (13298777=topstep_50k)."""
    confirm: Annotated[tuple[str, ...], Parameter(negative="", show_default=False)] = ()
    """A number of a profile as your firm has it today: topstep_50k.max_contracts.limit=5."""
    journal: Path | None = None
    """File of the journal; otherwise lockstep.db beside the configuration."""
    login: str = "desk-1"
    """Name of the login within the file."""
    api_url: str = Broker().api_url
    """The broker's REST address; its hubs are those that belong to it."""
    username_env: str = Login(name="").username_env
    """Environment variable that holds the username."""
    api_key_env: str = Login(name="").api_key_env
    """Environment variable that holds the API key."""
    yes: Annotated[bool, Parameter(negative="", show_default=False)] = False
    """Take what the options leave open as it is usual, and do not ask whether to write it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the options say, understood."""

    max_loss_usd: Decimal | None
    """The user's own limit of the day's loss."""
    max_contracts: int | None
    """The user's own limit of contracts."""
    profile: FirmProfile | None
    """The profile of every account."""
    profiles: dict[str, FirmProfile | None] = field(default_factory=dict)
    """Those of single accounts, by id or name as it was said; None = none at all."""
    confirmed: dict[str, Decimal] = field(default_factory=dict)
    """The numbers that were confirmed, by `key_of`."""
    says_profiles: bool = False
    """Whether anything was said about profiles."""

    def named(self) -> list[FirmProfile]:
        """Return every profile that is used, each once."""
        found = [self.profile, *self.profiles.values()]
        return list({each.key: each for each in found if each}.values())

    def unconfirmed(self) -> Iterator[tuple[FirmProfile, FirmNumber]]:
        """Yield the numbers of the profiles in use that nobody has confirmed."""
        for profile in self.named():
            for number in profile.numbers:
                if key_of(profile, number) not in self.confirmed:
                    yield profile, number


def key_of(profile: FirmProfile, number: FirmNumber) -> str:
    """Return what a number is called on the command line."""
    return f"{profile.key}.{number.rule}.{number.field}"


def understood(options: Options, known: tuple[Firm, ...]) -> Wanted:
    """Return what the options mean.

    Raises:
        OptionError: one of them cannot be meant.
    """
    profiles = {each.key: each for firm in known for each in firm.profiles}
    chosen = dict(_chosen(each, profiles) for each in options.profile)
    for account, profile in chosen.items():
        if profile is None and chosen.get(""):
            raise OptionError(
                f"--profile {account}={NO_PROFILE}: an account cannot do without the profile of all; "
                "name the profile of each account instead"
            )
    confirmed = dict(_confirmed(each, profiles) for each in options.confirm)
    return Wanted(
        max_loss_usd=_given(options.max_loss_usd, usd, "--max-loss-usd"),
        max_contracts=_given(options.max_contracts, contracts, "--max-contracts"),
        profile=chosen.get(""),
        profiles={account: each for account, each in chosen.items() if account},
        confirmed=confirmed,
        says_profiles=bool(chosen),
    )


def missing(options: Options, wanted: Wanted) -> list[str]:
    """Return what nobody can be asked for and the options do not say, each with the option."""
    found = []
    if wanted.max_loss_usd is None:
        found.append("--max-loss-usd: your own limit of a day's loss")
    if wanted.max_contracts is None:
        found.append("--max-contracts: the most contracts an account may hold")
    found += [
        f"--confirm {key_of(profile, number)}=…: {number.text}, as your firm has it today"
        for profile, number in wanted.unconfirmed()
    ]
    if not options.yes:
        found.append("--yes: that the file is to be written")
    return found


def no_credentials(options: Options, environment: Mapping[str, str]) -> list[str]:
    """Return which environment variables of the login hold nothing."""
    names = (options.username_env, options.api_key_env)
    return [
        f"environment variable {name}; export it" for name in names if not environment.get(name)
    ]


def usd(text: str, what: str) -> Decimal:
    """Return a positive amount of dollars.

    Raises:
        OptionError: it is none.
    """
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise OptionError(f"{what}: {text!r} is no amount; write one like 500") from None
    if not amount.is_finite() or amount <= 0:
        raise OptionError(f"{what}: must be more than 0, not {text!r}; losses are positive amounts")
    return amount


def contracts(text: str, what: str) -> int:
    """Return a positive whole number.

    Raises:
        OptionError: it is none.
    """
    clean = text.strip()
    if not re.fullmatch(r"0*[1-9][0-9]{0,5}", clean):
        raise OptionError(f"{what}: {text!r} is no whole number above 0; write one like 5")
    return int(clean)


def value_of(number: FirmNumber, text: str, what: str) -> Decimal:
    """Return a firm's number as its user says it.

    Raises:
        OptionError: it is none of its kind.
    """
    if number.field.endswith("_usd"):
        return usd(text, what)
    return Decimal(contracts(text, what))


def _given[T](text: str | None, read: Callable[[str, str], T], what: str) -> T | None:
    return None if text is None else read(text, what)


def _chosen(text: str, profiles: dict[str, FirmProfile]) -> tuple[str, FirmProfile | None]:
    account, _, key = text.rpartition("=")
    if key != NO_PROFILE and key not in profiles:
        known = ", ".join([*profiles, NO_PROFILE])
        raise OptionError(f"--profile {text}: there is no profile {key!r}; known are {known}")
    return account, profiles.get(key)


def _confirmed(text: str, profiles: dict[str, FirmProfile]) -> tuple[str, Decimal]:
    key, sign, value = text.partition("=")
    numbers = {
        key_of(each, number): number for each in profiles.values() for number in each.numbers
    }
    if not sign or key not in numbers:
        raise OptionError(
            f"--confirm {text}: write PROFILE.RULE.FIELD=NUMBER; known are {', '.join(numbers)}"
        )
    return key, value_of(numbers[key], value, f"--confirm {key}")
