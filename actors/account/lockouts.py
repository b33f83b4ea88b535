"""The lock algebra: a set of lockouts keyed by (rule, scope), the strictest effective.

Pure. Adding a lockout never shortens the one with the same key; releasing one never touches another.
"Stricter" is: flat before no_new_exposure, the whole account before a product, no end before a later
end before an earlier one.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from messages.values import ACCOUNT_SCOPE, Duty, Lockout, ReleaseOn, product_scope

type Key = tuple[str, str]
type LockoutSet = Mapping[Key, Lockout]

_FOREVER = datetime.max.replace(tzinfo=UTC)


def key_of(lockout: Lockout) -> Key:
    """Return what a lockout is kept under: (rule, scope)."""
    return (lockout.rule, lockout.scope)


def strictness(lockout: Lockout) -> tuple[bool, bool, datetime]:
    """Return a sort key: the greater, the stricter."""
    return (
        lockout.duty is Duty.FLAT,
        lockout.scope == ACCOUNT_SCOPE,
        lockout.until or _FOREVER,
    )


def joined(lockouts: LockoutSet, new: Iterable[Lockout]) -> dict[Key, Lockout]:
    """Return the set with new lockouts added; of two with one key the stricter stays."""
    result = dict(lockouts)
    for lockout in new:
        held = result.get(key_of(lockout))
        if held is None or strictness(lockout) > strictness(held):
            result[key_of(lockout)] = lockout
    return result


def without(lockouts: LockoutSet, key: Key) -> dict[Key, Lockout]:
    """Return the set without one lockout; all others as they were."""
    return {other: lockout for other, lockout in lockouts.items() if other != key}


def by_strictness(lockouts: Iterable[Lockout]) -> tuple[Lockout, ...]:
    """Return the lockouts, strictest first."""
    return tuple(sorted(lockouts, key=strictness, reverse=True))


def flat_duty(lockouts: Collection[Lockout], product: str | None = None) -> Lockout | None:
    """Return the strictest lockout that forbids holding anything in the account, or in a product.

    Args:
        lockouts: Those in force.
        product: A product root: lockouts of its scope count too. None: account scope only.
    """
    if not lockouts:  # as a rule, and asked several times with every fact
        return None
    scopes = {ACCOUNT_SCOPE} if product is None else {ACCOUNT_SCOPE, product_scope(product)}
    duties = [each for each in lockouts if each.duty is Duty.FLAT and each.scope in scopes]
    return max(duties, key=strictness, default=None)


def no_new_exposure(lockouts: Collection[Lockout]) -> Lockout | None:
    """Return the strictest lockout under which the whole account may hold no more than it did."""
    if not lockouts:
        return None
    duties = [
        each
        for each in lockouts
        if each.duty is Duty.NO_NEW_EXPOSURE and each.scope == ACCOUNT_SCOPE
    ]
    return max(duties, key=strictness, default=None)


def account_duty(lockouts: Iterable[Lockout]) -> bool:
    """Say whether any lockout of the whole account binds, whatever it demands."""
    return any(each.scope == ACCOUNT_SCOPE for each in lockouts)


def binding_at(lockouts: Collection[Lockout], at: datetime) -> tuple[Lockout, ...]:
    """Return those that bound at an instant already, and still: from their decision to their end."""
    if not lockouts:
        return ()
    return tuple(each for each in lockouts if each.locked_at <= at and not ended(each, at))


def ended(lockout: Lockout, now: datetime) -> bool:
    """Say whether a lockout's calendar end has come; those without an end never end by time."""
    return lockout.until is not None and lockout.until <= now


def ends_by_calendar(lockout: Lockout) -> bool:
    """Say whether the wall clock decides the end; a `time` lockout lasts by real duration."""
    return lockout.release_on in {ReleaseOn.RESET, ReleaseOn.SESSION_START}
