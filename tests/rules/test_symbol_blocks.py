"""RULE-011: what a pattern matches, and what follows."""

from datetime import UTC, datetime

import msgspec
import pytest

from actors.rules.symbol_blocks import RULE, SymbolBlocks
from messages.values import (
    Duty,
    FlatProduct,
    Lockout,
    Order,
    OrderStatus,
    OrderType,
    ReleaseOn,
    Side,
)
from tests.rules.pictures import verdict, view

BLOCK = SymbolBlocks(patterns=("RTY", "MNQ*"))


def order(root):
    return Order(
        order_id=7,
        contract=f"CON.F.US.{root}.Z25",
        side=Side.SELL,
        type=OrderType.LIMIT,
        size=3,
        filled=1,
        status=OrderStatus.OPEN,
    )


def lock(scope, rule="RULE-011"):
    return Lockout(
        rule=rule,
        scope=scope,
        duty=Duty.FLAT,
        until=None,
        release_on=ReleaseOn.CONFIG,
        reason="",
        breach_id="b1",
        locked_at=datetime(2025, 10, 29, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("pattern", "root", "blocked"),
    [
        ("RTY", "RTY", True),
        ("rty", "RTY", True),
        ("RTY", "rty", True),
        ("RT", "RTY", False),
        ("TY", "RTY", False),
        ("MNQ*", "MNQ", True),
        ("MNQ*", "NQ", False),
        ("*NQ", "MNQ", True),
        ("M?S", "MES", True),
        ("M?S", "MS", False),
        ("M?S", "MEES", False),
        ("*", "GCE", True),
        ("ES", "EP", True),
        ("ep", "EP", True),
        ("E?", "EP", True),
        ("NQ", "ENQ", True),
        ("ENQ", "ENQ", True),
        ("[MN]*", "MNQ", False),
        ("M.Q", "MNQ", False),
    ],
)
def test_a_pattern_matches_the_whole_root_of_the_exchange_or_of_the_broker(pattern, root, blocked):
    """S-56: `*` and `?` only, any case; `ES` and the broker's `EP` are the same product."""
    found = verdict(SymbolBlocks(patterns=(pattern,)), view(positions=[(root, 1, None)]))

    assert bool(found) is blocked


def test_positions_and_working_orders_count_and_each_product_is_locked_by_itself():
    """S-57, S-58: closed as products; locked without an end by time; nothing of the account."""
    held = view(positions=[("MNQ", -2, None), ("EP", 1, None)], orders=(order("RTY"),))

    found = verdict(BLOCK, held)

    assert found.targets == (FlatProduct(product="MNQ"), FlatProduct(product="RTY"))
    assert [(each.scope, each.duty, each.until, each.release_on) for each in found.lockouts] == [
        ("product:MNQ", Duty.FLAT, None, ReleaseOn.CONFIG),
        ("product:RTY", Duty.FLAT, None, ReleaseOn.CONFIG),
    ]
    assert (found.value, found.limit) == (4, 0)
    assert found.measure == "Contracts held or ordered: MNQ 2, RTY 2, Limit: 0"


def test_what_is_locked_already_is_not_locked_again():
    """The lock is recorded once, also when another product joins later."""
    both = view(positions=[("MNQ", 1, None), ("RTY", 1, None)], lockouts=(lock("product:RTY"),))

    assert [each.scope for each in verdict(BLOCK, both).lockouts] == ["product:MNQ"]
    only = msgspec.structs.replace(both, positions=both.positions[1:])
    assert verdict(BLOCK, only) is None


def test_the_lock_of_another_rule_does_not_stand_in_for_its_own():
    """That one ends with its session; this one does not."""
    picture = view(positions=[("RTY", 1, None)], lockouts=(lock("product:RTY", "RULE-009"),))

    assert verdict(BLOCK, picture)


@pytest.mark.parametrize("patterns", [(), ("",), (" ",), ("RTY", "M NQ")])
def test_patterns_that_match_nothing_are_refused(patterns):
    """A rule that blocks nothing is not what was meant."""
    complaints = RULE.check(SymbolBlocks(patterns=patterns))

    assert complaints
    assert all(each.startswith("patterns: ") for each in complaints)


def test_it_says_in_one_line_what_it_blocks():
    """The patterns as they were written."""
    assert RULE.describe(BLOCK) == "RTY, MNQ*: closed, orders cancelled, product locked"
