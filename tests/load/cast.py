"""Who does what in a run: every account has one part. Pure; the same for the same numbers."""

import random
from typing import NamedTuple, Self

from tests.load.profiles import Profile
from tests.load.report import CONTRACT

PROBE_SIZE = 2
_SIZES = range(2, 11)
# A trader holds one contract: whatever takes a crasher with two to its limit leaves him half of his.
_MOST_PROBES = 0.3
_HOLDERS, _MOST_HOLDERS = 0.2, 0.4


def login_of(account: int, logins: int) -> int:
    """Return the number of an account's login."""
    return account % logins


class Cast(NamedTuple):
    """The parts."""

    probes: list[int]
    """Break their limit one after the other."""
    crashers: list[int]
    """Break it all together as the price falls."""
    reentering: list[int]
    """Those of them that buy again."""
    traders: list[int]
    """Trade all day and break nothing."""
    held: dict[int, tuple[str, int]]
    """What each account holds at the start: a contract, and how many."""

    @classmethod
    def of(
        cls, accounts: range, logins: int, profile: Profile, seconds: float, contracts: list[str]
    ) -> Self:
        """Give everybody a part."""
        free = list(accounts)
        random.Random(6).shuffle(free)  # noqa: S311 - the same every time

        def take(count: float) -> list[int]:
            taken = free[: round(count)]
            del free[: len(taken)]
            return taken

        whole = len(accounts)
        crashers = take(profile.crash_share * whole)
        probes = take(min(profile.probes_per_s * seconds, _MOST_PROBES * whole))
        held: dict[int, tuple[str, int]] = {}
        holders = min(max(_HOLDERS * whole, 2 * len(contracts) * logins), _MOST_HOLDERS * whole)
        for each in take(holders if contracts else 0):
            # in every login somebody holds each contract, so that each login is sent all quotes
            before = sum(login_of(other, logins) == login_of(each, logins) for other in held)
            held[each] = contracts[before % len(contracts)], 1
        held |= dict.fromkeys(probes, (CONTRACT, PROBE_SIZE))
        held |= {each: (CONTRACT, _SIZES[n % len(_SIZES)]) for n, each in enumerate(crashers)}
        reentering = crashers[: round(profile.reentry_share * len(crashers))]
        return cls(probes, crashers, reentering, free, held)
