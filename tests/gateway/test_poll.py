"""The poll of canTrade: one request for all accounts, and silence changes nothing."""

import asyncio

import pytest

from actors.gateway.fields import Fields
from actors.gateway.outbox import Outbox
from actors.gateway.poll import AccountPoll
from messages.commands import GuardAccounts
from messages.events import AlarmRaised
from messages.facts import AccountChanged, PayloadQuarantined
from messages.queries import Ping
from messages.values import AlarmCode
from tests.gateway.support import PATIENCE_S, A, B

SEARCH = "/Account/search"
STREAM = "GatewayUserAccount"
OFTEN_S = 0.05


def polls(rig):
    return [each for each in rig.sim.record().requests(SEARCH) if each.body is not None]


def unknown(rig, count=1):
    def concerns(alarm):
        return alarm.code is AlarmCode.CAN_TRADE_UNKNOWN

    return rig.journal.wait(AlarmRaised, concerns, count)


def unknown_so_far(rig, outbox):
    """Return the accounts of all such alarms; a last one of another kind is the barrier."""
    outbox.alarm(AlarmCode.STREAM_LOST, "barrier")
    rig.journal.one(AlarmRaised, lambda each: each.code is AlarmCode.STREAM_LOST)
    found = rig.journal.all(AlarmRaised)
    return [each.account for each in found if each.code is AlarmCode.CAN_TRADE_UNKNOWN]


def handled(rig, account):
    """Return what an account was told of itself, once it has handled all that it was told."""
    rig.directory.ref(f"account/{account}").ask(Ping(**rig.head()), timeout=PATIENCE_S)
    return rig.account(account).all(AccountChanged)


def next_polls(rig, count=2):
    """Wait until so many more polls have been answered."""
    seen = len(polls(rig)) + count
    rig.sim.record().wait_for(
        lambda each: getattr(each, "endpoint", "") == SEARCH, PATIENCE_S, count=seen
    )


def test_one_request_tells_every_account(rig):
    """What each is told is stamped with the time of asking, before the request reached the broker."""
    rig.sim.control.fault("drop", STREAM)
    rig.guard(A, B, poll_s=OFTEN_S)
    rig.sim.control.set_can_trade(B, False)

    for account, flag in ((A, True), (B, False)):
        told = rig.account(account).one(
            AccountChanged, lambda each, flag=flag: each.can_trade is flag
        )
        assert told.balance_usd is None
        assert any(told.at <= each.at for each in polls(rig))
    rig.account(A).wait(AccountChanged, count=4)
    asked = len(polls(rig))
    answers = min(len(handled(rig, each)) for each in (A, B))
    assert asked <= answers + 2  # the listing at the start, and one under way


def test_without_a_rule_that_asks_for_it_there_is_no_poll(rig):
    """No request beyond the listing at the start."""
    rig.guard(A, B)
    before = len(polls(rig))
    rig.hold(A)

    rig.account(A).one(AccountChanged)

    assert len(polls(rig)) == before


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "http", "status": 500},
        {"kind": "null_list"},
        {"kind": "reject"},
        {"kind": "garbage"},
    ],
    ids=lambda fault: fault["kind"],
)
def test_an_answer_that_is_none_alarms_once_and_tells_nobody(rig, fault):
    """S-55: until it succeeds again; then the next outage is alarmed anew."""
    rig.guard(A, poll_s=OFTEN_S)
    rig.account(A).one(AccountChanged)
    rig.sim.control.fault(where=SEARCH, **fault)
    unknown(rig)
    told = len(handled(rig, A))
    next_polls(rig, 3)

    assert len(handled(rig, A)) == told
    outbox = Outbox(login="sim", clock=rig.clock, directory=rig.directory)
    assert unknown_so_far(rig, outbox) == [None]
    rig.sim.control.clear_faults()
    rig.account(A).wait(AccountChanged, count=told + 1)
    rig.sim.control.fault(where=SEARCH, **fault)
    unknown(rig, 2)


def test_an_account_missing_from_the_answer_alarms_and_the_others_are_told(rig):
    """999 is not of this login: unknown is said aloud, and it is told nothing."""
    rig.open()
    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(999, A), poll_s=OFTEN_S)))

    rig.account(A).wait(AccountChanged, count=2)

    assert [each.account for each in unknown(rig)] == [999]


def test_a_restarted_gateway_polls_on(rig):
    """Whoever restarts it tells it how often."""
    rig.start(guarded=(A,), poll_s=OFTEN_S)

    rig.account(A).wait(AccountChanged, count=2)


class Answers:
    """A client whose answers to the poll are given."""

    def __init__(self):
        self.rows = ()

    async def accounts(self, *, within_s, only_active):
        assert (within_s, only_active) == (1, False)
        return tuple(Fields(row, "row") for row in self.rows)


@pytest.fixture
def poll(rig):
    """Return a poll of A and B, told to act by the test alone."""
    outbox = Outbox(login="sim", clock=rig.clock, directory=rig.directory)
    return AccountPoll(
        client=Answers(), outbox=outbox, login="sim", within_s=1, accounts=(A, B), every_s=None
    )


def answered(poll, *rows):
    poll.client.rows = rows
    asyncio.run(poll.look())


YES_B = {"id": B, "canTrade": True}


@pytest.mark.parametrize(
    "silent",
    [
        [{"id": A}],
        [{"id": A, "canTrade": None}],
        [],
        [{"id": A, "canTrade": "yes"}],
        [{"id": None}],
    ],
    ids=["no field", "null", "no account", "malformed", "nobody's"],
)
def test_an_account_that_is_not_spoken_of_is_told_nothing_and_alarmed_once(rig, poll, silent):
    """S-55: once until it is said again; the other account of the answer is told."""
    for _ in range(3):
        answered(poll, *silent, YES_B)

    rig.account(B).wait(AccountChanged, count=3)
    assert rig.account(A).all(AccountChanged) == []
    answered(poll, {"id": A, "canTrade": False}, YES_B)
    assert rig.account(A).one(AccountChanged).can_trade is False
    answered(poll, *silent, YES_B)
    assert unknown_so_far(rig, poll.outbox) == [A, A]


def test_a_row_that_cannot_be_understood_is_set_aside_once(rig, poll):
    """It comes again with every poll; the journal need not hold it each time."""
    for _ in range(3):
        answered(poll, {"id": A, "canTrade": "yes"}, YES_B)
    answered(poll, {"id": A, "canTrade": True}, YES_B)
    answered(poll, {"id": A, "canTrade": "no"}, YES_B)

    kept = rig.journal.wait(PayloadQuarantined, count=2)

    unknown(rig, 2)
    assert len(rig.journal.all(PayloadQuarantined)) == len(kept) == 2
    assert "canTrade" in kept[0].error
