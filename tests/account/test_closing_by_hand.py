"""The enforcer hears at once what its trader closes himself: a close beside it would flip."""

import pytest
from msgspec import structs

from messages.commands import Enforce
from messages.events import ExposureUnderLock
from messages.facts import OrderChanged
from messages.values import OrderStatus, Side
from tests.account.alone import MNQ, Alone
from tests.account.test_actor_order import leaving
from tests.account.test_enforcing import LOSING, loss, report


@pytest.fixture
def account():
    """An account in breach that holds 2 MNQ, whose enforcer has been told to close them."""
    account = Alone(LOSING)
    account.connect()
    account.hold(1, 2, MNQ)
    assert report(account, 2, loss(account))
    account.store(2)
    assert [each.known_positions for each in account.of(Enforce)] == [(MNQ,)]
    return account


def test_the_enforcer_hears_that_a_contract_is_closing_by_itself(account):
    """The close it has may wait for the request budget: it must not be sent beside this one."""
    account.hear(OrderChanged, 3, order=leaving())

    assert [each.known_positions for each in account.of(Enforce)] == [()]
    assert account.events(ExposureUnderLock) == []


def test_it_hears_so_once(account):
    """Its fills one by one are no news to it."""
    account.hear(OrderChanged, 3, order=leaving())
    account.hear(OrderChanged, 4, order=structs.replace(leaving(), filled=1))

    assert account.of(Enforce) == []


def test_an_order_that_adds_is_no_such_word(account):
    """It is forbidden, and told as that."""
    account.hear(OrderChanged, 3, order=structs.replace(leaving(), side=Side.BUY))

    assert [each.known_positions for each in account.of(Enforce)] == [(MNQ,)]
    assert [each.known_orders for each in account.of(Enforce)] == [(7,)]


def test_one_that_is_done_already_is_none_either(account):
    """The position that follows says all there is."""
    done = structs.replace(leaving(), filled=2, status=OrderStatus.FILLED)
    account.hear(OrderChanged, 3, order=done)

    assert account.of(Enforce) == []


def test_without_an_enforcement_nobody_is_told():
    """Traders close as they like."""
    account = Alone(LOSING)
    account.connect()
    account.hold(1, 2, MNQ)
    account.hear(OrderChanged, 3, order=leaving())

    assert account.of(Enforce) == []
