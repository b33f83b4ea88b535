"""The lock algebra: keyed by rule and scope, the strictest effective, nothing shortened (I4)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from actors.account.lockouts import by_strictness, flat_duty, joined, key_of, strictness, without
from messages.values import ACCOUNT_SCOPE, Duty, Lockout, ReleaseOn

NOON = datetime(2025, 10, 29, 17, tzinfo=UTC)

lockouts = st.builds(
    Lockout,
    rule=st.sampled_from(["RULE-003", "RULE-006", "RULE-007"]),
    scope=st.sampled_from([ACCOUNT_SCOPE, "product:MNQ", "product:RTY"]),
    duty=st.sampled_from(Duty),
    until=st.one_of(st.none(), st.integers(1, 500).map(lambda s: NOON + timedelta(seconds=s))),
    release_on=st.sampled_from(ReleaseOn),
    reason=st.just("test"),
    breach_id=st.just("b"),
    locked_at=st.just(NOON),
)
sets = st.lists(lockouts, max_size=8)


@given(sets, st.randoms())
def test_joining_does_not_depend_on_order_or_repetition(locks, random):
    """The set is a lattice: commutative and idempotent in what binds."""
    shuffled = locks * 2
    random.shuffle(shuffled)

    one, other = joined({}, locks), joined({}, shuffled)

    assert {key: strictness(lock) for key, lock in one.items()} == {
        key: strictness(lock) for key, lock in other.items()
    }


@given(sets, lockouts)
def test_adding_never_makes_anything_less_strict(locks, new):
    """What bound before binds at least as strictly after."""
    before = joined({}, locks)

    after = joined(before, [new])

    assert all(strictness(after[key]) >= strictness(lock) for key, lock in before.items())
    assert strictness(after[key_of(new)]) >= strictness(new)


@given(sets, lockouts)
def test_releasing_one_touches_no_other(locks, gone):
    """Only the key that is released goes."""
    before = joined({}, locks)

    after = without(before, key_of(gone))

    assert after == {key: lock for key, lock in before.items() if key != key_of(gone)}


@given(sets)
def test_the_strictest_comes_first(locks):
    """Flat before no_new_exposure, account before product, no end before a late end."""
    ordered = by_strictness(locks)

    assert all(strictness(a) >= strictness(b) for a, b in pairwise(ordered))


@given(sets)
def test_a_product_lock_never_binds_the_account(locks):
    """The account's flat duty comes from account-wide flat lockouts alone; a product adds its own."""
    duty = flat_duty(locks)
    wide = [each for each in locks if each.duty is Duty.FLAT and each.scope == ACCOUNT_SCOPE]

    assert (duty is None) == (not wide)
    assert (flat_duty(locks, "RTY") is None) == (
        not wide
        and not any(each.duty is Duty.FLAT and each.scope == "product:RTY" for each in locks)
    )
