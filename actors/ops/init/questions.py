"""The questions of `init` on a terminal: asked on stderr, answered on stdin, again until answered."""

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial

from actors.ops.init.options import (
    NO_PROFILE,
    OptionError,
    Wanted,
    contracts,
    key_of,
    usd,
    value_of,
)
from config.firm_profiles import Firm, FirmNumber, FirmProfile, suggested
from config.importer import toml
from messages.values import AccountRecord

_ONE_BY_ONE = 4
"""So many accounts are asked of one by one."""
_EACH = "each"


class UnansweredError(Exception):
    """The terminal was closed while a question was open."""


def tell(*lines: str) -> None:
    """Say something beside the questions."""
    with suppress(OSError):  # who does not listen may still have said everything by options
        for line in lines:
            sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


def is_meant(question: str) -> bool:
    """Ask for a yes; anything else is none."""
    return _line(f"{question} Type yes: ").lower() == "yes"


def guarded_of(records: tuple[AccountRecord, ...]) -> tuple[str, ...]:
    """Ask which accounts are to be guarded; none named = all."""
    known = {str(record.account) for record in records} | {record.name for record in records}

    def read(text: str) -> tuple[str, ...]:
        names = tuple(each.strip() for each in text.split(",") if each.strip())
        if unknown := [each for each in names if each not in known]:
            raise OptionError(
                f"{', '.join(unknown)}: no account of this login; take it from the list"
            )
        return names

    return _asked("Which accounts are to be guarded? ids or names with commas [all]: ", read)


def limits(wanted: Wanted) -> Wanted:
    """Ask for the user's own limits."""
    if wanted.max_loss_usd is None:
        text = "Your own limit of a day's loss, for every account, in US dollars: "
        wanted = replace(wanted, max_loss_usd=_asked(text, lambda said: usd(said, "limit")))
    if wanted.max_contracts is None:
        text = "The most contracts an account may hold at once: "
        wanted = replace(wanted, max_contracts=_asked(text, lambda said: contracts(said, "limit")))
    return wanted


def profiles(wanted: Wanted, records: tuple[AccountRecord, ...], known: tuple[Firm, ...]) -> Wanted:
    """Ask which firm's profile each account has; of many that look alike at once."""
    by_key = {each.key: each for firm in known for each in firm.profiles}

    def read(usual: str, said: str) -> FirmProfile | None:
        text = said or usual
        if text != NO_PROFILE and text not in by_key:
            raise OptionError(f"{text!r}: write one of {', '.join([*by_key, NO_PROFILE])}")
        return by_key.get(text)

    def read_all(usual: str, said: str) -> str:
        text = said or usual
        if text != _EACH:
            read("", text)
        return text

    tell(f"Profiles of firms: {', '.join(by_key)}. Their numbers are asked for in a moment.")
    alike: dict[str, list[AccountRecord]] = {}
    for record in records:
        guess = suggested(record.name, known)
        alike.setdefault(guess.key if guess else NO_PROFILE, []).append(record)
    chosen: dict[str, FirmProfile | None] = {}
    for usual, group in alike.items():
        if len(group) > _ONE_BY_ONE:
            few = ", ".join(shown(each.name) for each in group[:3])
            tell(f"{len(group)} accounts, {few} and so on; `each` to be asked one by one.")
            said = _asked(f"Profile of all {len(group)} [{usual}]: ", partial(read_all, usual))
            if said != _EACH:
                chosen |= dict.fromkeys((str(each.account) for each in group), read("", said))
                continue
        for record in group:
            question = f"Profile of {record.account} ({shown(record.name)}) [{usual}]: "
            chosen[str(record.account)] = _asked(question, partial(read, usual))
    return replace(wanted, profiles=chosen)


def numbers(wanted: Wanted, known: tuple[Firm, ...], on: date) -> Wanted:
    """Have every number of a profile in use said anew; what is offered is never taken by itself."""
    confirmed = dict(wanted.confirmed)
    for profile, number in wanted.unconfirmed():
        firm = next(each for each in known if profile in each.profiles)
        tell(f"{profile.name}, {number.text}: {offer(firm, number, on)}.", f"  See {firm.help}.")
        confirmed[key_of(profile, number)] = _asked(
            "  Type the number your firm has today: ",
            partial(_value, number),
        )
    return replace(wanted, confirmed=confirmed)


def _value(number: FirmNumber, said: str) -> Decimal:
    return value_of(number, said, number.field)


def offer(firm: Firm, number: FirmNumber, on: date) -> str:
    """Return what is known of a firm's number; of one that is too old only that it is."""
    if not firm.offers(on):
        return f"what was known of it is out of date since {firm.expires}"
    return f"{number.value} by {number.basis}, written {firm.written}"


def shown(name: str) -> str:
    """Return what a broker calls something, in quotes, without anything a terminal would obey."""
    return "".join(each if each.isprintable() else "?" for each in toml.value(name))


def _asked[T](question: str, read: Callable[[str], T]) -> T:
    while True:
        try:
            return read(_line(question))
        except OptionError as error:
            tell(f"  {error}")


def _line(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        tell("")
        raise UnansweredError("no answer")
    return line.strip()
