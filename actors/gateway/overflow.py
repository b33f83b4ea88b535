"""How much may wait for an account to be judged; beyond that its stream is cut, and begun anew later.

Used by the user stream of a gateway, on its loop. Facts are never dropped one by one: an account that is
so far behind is told that its stream is lost, once, hears nothing until it has worked off what waits, and
is then connected like after any loss. The complete read that follows shows whatever it was not told, so
nothing that must be booked is missing; it is STALE all the while. The others of the login hear on.

Not back-pressure on the socket: one connection carries all accounts of a login, so one that stands still
would silence the others, and how old the facts are that wait at the broker could not be seen.
"""

from typing import Final

TOTAL: Final = 100_000
"""Facts that may wait for all accounts of a login together: about 100 MB."""
FEWEST, MOST = 100, 1000
"""Facts that may wait for one account, whatever its share of the total is."""
READMIT_EVERY_S: Final = 0.25
"""How often is looked whether an account that was cut off has caught up."""


def room(accounts: int) -> int:
    """Return how many facts may wait for each of so many accounts."""
    return max(FEWEST, min(MOST, TOTAL // max(1, accounts)))


def caught_up(waiting: int, accounts: int) -> bool:
    """Say whether so little waits that an account can be connected again."""
    return waiting <= room(accounts) // 10
