"""RULE-001 and RULE-002 through the whole system: scenarios S-01 to S-11."""

from decimal import Decimal

import pytest

from messages.commands import CloseContract, PartialCloseContract
from messages.events import AccountLocked, EnforcementFinished, RuleBreached
from messages.values import Phase
from tests.rig import A, config_of, contract


def partials(run):
    return [(each.contract, each.size) for each in run.commands(PartialCloseContract)]


def total(limit, **more):
    return config_of(max_contracts={"limit": limit, **more})


def single(**table):
    return config_of(max_contracts_per_instrument=table)


def test_the_limit_counts_over_all_products_and_a_breach_does_not_lock(rig):
    """S-01: 3 MNQ and 2 ES are five of five; a fourth MNQ is the breach, enforced once."""
    run = rig(total(5))
    run.order(A, "MNQ", 3)
    run.order(A, "ES", 2)
    assert run.broker.received == []

    run.order(A, "MNQ", 1)

    assert partials(run) == [(contract("MNQ"), 1)]
    assert run.events(AccountLocked) == []
    assert run.status().phase is Phase.OPEN
    assert len(run.events(EnforcementFinished)) == 1


@pytest.mark.parametrize(("count", "breached"), [("net", False), ("gross", True)])
def test_net_offsets_longs_with_shorts_and_gross_does_not(rig, count, breached):
    """S-02: long 5 MNQ and short 3 ES is 2 net and 8 gross."""
    run = rig(total(5, count=count))

    run.order(A, "MNQ", 5)
    run.order(A, "ES", -3)

    assert bool(run.events(RuleBreached)) is breached
    assert sum(abs(size) for size in run.held().values()) == (5 if breached else 8)


def test_the_largest_position_is_reduced_exactly_to_the_limit(rig):
    """S-03: of 2 MNQ and 3 ES with limit 3, two ES go; nothing flips."""
    run = rig(total(3))
    run.order(A, "MNQ", 2)

    run.order(A, "ES", 3)

    assert partials(run) == [(contract("ES"), 2)]
    assert run.held() == {contract("MNQ"): 2, contract("ES"): 1}


def test_a_short_account_is_reduced_by_buying(rig):
    """Shorts count like longs and are bought back, never past flat."""
    run = rig(total(2))

    run.order(A, "MNQ", -5)

    assert partials(run) == [(contract("MNQ"), 3)]
    assert run.held() == {contract("MNQ"): -2}


def test_a_reducing_fill_and_exactly_the_limit_never_trigger(rig):
    """S-04: 6 to 4 with limit 5 triggers nothing when the 6 had been allowed before."""
    run = rig(total(6))
    run.order(A, "MNQ", 6)
    run.order(A, "MNQ", -2)
    run.order(A, "MNQ", 1)

    assert run.events(RuleBreached) == []
    assert run.broker.received == []


def test_close_all_flattens_without_a_lock(rig):
    """`close_all` closes everything, and the account stays open."""
    run = rig(total(2, action="close_all"))
    run.order(A, "MNQ", 2)

    run.order(A, "ES", 1)

    assert run.held() == {}
    assert run.status().lockouts == ()
    assert run.status().phase is Phase.OPEN


def test_a_product_is_capped_and_others_are_left_alone(rig):
    """S-06: MNQ 5 of 2 loses exactly three; ES is untouched."""
    run = rig(single(limits={"MNQ": 2, "ES": 1}, default_limit=3))
    run.order(A, "ES", 1)
    run.order(A, "MNQ", 2)
    assert run.broker.received == []

    run.order(A, "MNQ", 3)

    assert partials(run) == [(contract("MNQ"), 3)]
    assert run.held() == {contract("MNQ"): 2, contract("ES"): 1}
    assert run.status().phase is Phase.OPEN


def test_close_closes_the_whole_product(rig):
    """S-07: with `close` MNQ goes entirely."""
    run = rig(single(limits={"MNQ": 2, "ES": 1}, default_limit=3, action="close"))
    run.order(A, "ES", 1)

    run.order(A, "MNQ", 5)

    assert [each.contract for each in run.commands(CloseContract)] == [contract("MNQ")]
    assert run.held() == {contract("ES"): 1}


def test_a_short_product_is_bought_back_to_its_limit(rig):
    """S-08: short 3 of 2 ends short 2."""
    run = rig(single(limits={"MNQ": 2}, default_limit=3))

    run.order(A, "MNQ", -3)

    assert partials(run) == [(contract("MNQ"), 1)]
    assert run.held() == {contract("MNQ"): -2}


@pytest.mark.parametrize(
    ("how", "size", "left"),
    [
        ({"unknown": "block"}, 1, 0),
        ({"default_limit": 3}, 3, 3),
        ({"default_limit": 3}, 4, 3),
        ({"unknown": "allow"}, 9, 9),
    ],
)
def test_a_product_without_a_limit_follows_unknown(rig, how, size, left):
    """S-09: RTY is blocked, capped by the default, or allowed."""
    run = rig(single(limits={"MNQ": 2}, **how))

    run.order(A, "RTY", size)

    assert run.held().get(contract("RTY"), 0) == left


def test_two_expiries_are_one_product_and_closes_name_the_exact_contract(rig):
    """S-11: two MNQ expiries of 2 are 4 of 2."""
    run = rig(single(limits={"MNQ": 2}, default_limit=3))
    run.order(A, "MNQ", 2)

    run.order(A, "MNQ", 2, expiry="H26")

    assert sum(run.held().values()) == 2
    assert {each.contract for each in run.broker.received} <= {
        contract("MNQ"),
        contract("MNQ", "H26"),
    }


def test_several_products_over_their_limits_are_all_capped(rig):
    """Positions that were open before the start are judged too, every product of them."""
    run = rig(single(limits={"MNQ": 9, "ES": 9}, default_limit=9))
    run.order(A, "MNQ", 5)
    run.order(A, "ES", 4)
    run.stop()

    again = rig(single(limits={"MNQ": 2, "ES": 1}, default_limit=9), broker=run.broker)

    assert again.held() == {contract("MNQ"): 2, contract("ES"): 1}
    assert again.status().phase is Phase.OPEN


def test_sizes_are_judged_at_each_change(rig):
    """S-93: sizes 1, 2, 9 in a row; the state is 9 before the cap, and the cap is exact."""
    run = rig(single(limits={"MNQ": 2}, default_limit=3))

    for size in (1, 1, 7):
        run.order(A, "MNQ", size)

    (breached,) = run.events(RuleBreached)
    assert breached.breach.value == Decimal(9)
    assert run.held() == {contract("MNQ"): 2}
