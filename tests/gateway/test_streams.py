"""The user hub: facts in order, losses told at once, and always back again."""

import pytest

from messages.commands import GuardAccounts, ReconcileAccount, RenewStream
from messages.events import AlarmRaised
from messages.facts import (
    AccountChanged,
    OrderChanged,
    PayloadQuarantined,
    PositionChanged,
    StreamConnected,
    StreamLost,
    TradeExecuted,
)
from messages.values import AlarmCode, OrderStatus
from tests.gateway.support import MNQ, A, B


def alarm(rig, code):
    return rig.journal.one(AlarmRaised, lambda alarm: alarm.code == code)


def test_many_accounts_hear_their_own_facts_over_one_connection(rig):
    """Each account only its own, in the order in which the broker said them."""
    rig.guard(A, B)

    rig.hold(B, size=2)

    rig.account(B).wait(AccountChanged)
    told = [type(fact) for fact in rig.account(B).all()][1:6]
    assert told == [OrderChanged, TradeExecuted, OrderChanged, PositionChanged, AccountChanged]
    pending, filled = rig.account(B).all(OrderChanged)
    assert (pending.order.status, filled.order.status) == (OrderStatus.PENDING, OrderStatus.FILLED)
    assert rig.account(B).one(PositionChanged).position.size == 2
    assert [type(fact) for fact in rig.account(A).all()] == [StreamConnected]


@pytest.mark.parametrize("abruptly", [True, False])
def test_a_lost_hub_is_told_to_every_account_and_is_up_again_with_the_next_generation(
    rig, abruptly
):
    """And facts flow again, without anybody asking."""
    rig.guard(A, B)
    rig.sim.control.drop_connections(abruptly=abruptly)

    for account in (A, B):
        heard = rig.account(account)
        assert heard.wait(StreamConnected, count=2)[1].generation == 2
        lost = heard.one(StreamLost)
        assert (lost.generation, lost.cause) == (1, "stream/1")
        kinds = [type(fact) for fact in heard.all()]
        assert kinds == [StreamConnected, StreamLost, StreamConnected]
    assert abruptly or "1001" in lost.reason
    rig.hold(A)
    assert rig.account(A).one(PositionChanged).position.size == 1


def test_a_hub_that_was_lost_many_times_still_comes_back(rig):
    """Each drop is told, and each is followed by a new generation."""
    rig.guard(A)
    for generation in range(2, 7):
        rig.sim.control.drop_connections()
        rig.account().wait(StreamConnected, lambda up, n=generation: up.generation == n, timeout=60)

    assert len(rig.account().all(StreamLost)) == 5


def test_a_hub_that_falls_silent_is_lost_and_replaced(rig):
    """Connected, pongs and all, but not a record: not even a ping."""
    rig.guard(A, silence_s=0.6)
    rig.sim.control.silence(True)

    assert rig.account().one(StreamLost).reason == "silent for 0.6 s"
    rig.sim.control.silence(False)
    assert rig.account().wait(StreamConnected, count=2)[1].generation == 2


def test_pings_are_enough_to_count_as_alive(rig):
    """A quiet night is no outage."""
    rig.guard(A, silence_s=3.0)  # far longer than a busy machine may delay a ping
    seen = rig.sim.record()

    with pytest.raises(TimeoutError):
        seen.wait_for(lambda _entry: False, timeout=4.0)
    assert not rig.account().all(StreamLost)


def test_a_gateway_that_is_down_for_a_while_is_told_once_and_found_again(rig):
    """One StreamLost per outage, not one per attempt."""
    rig.guard(A)
    rig.sim.stop()
    rig.account().one(StreamLost)
    with pytest.raises(TimeoutError):
        rig.account().wait(StreamLost, count=2, timeout=1.0)
    rig.sim.start()

    assert rig.account().wait(StreamConnected, count=2, timeout=60)[1].generation == 2


def test_who_asks_how_its_stream_fares_hears_it_up_or_down(rig):
    """A life of an account that failed at such a word leaves it to the next, which has only this."""
    rig.guard(A, B)
    rig.ask(RenewStream)
    assert rig.account().wait(StreamConnected, count=2)[1].generation == 1
    rig.sim.stop()
    rig.account().one(StreamLost)
    rig.ask(RenewStream)

    assert rig.account().wait(StreamLost, count=2)[1].generation == 1
    assert len(rig.account(B).all(StreamConnected)) == 1
    rig.account(B).one(StreamLost)
    rig.sim.start()
    assert rig.account().wait(StreamConnected, count=3, timeout=60)[2].generation == 2


def test_a_token_refused_at_the_hub_is_replaced(rig):
    """Revoked while we were connected; the next attempt finds out and logs in."""
    rig.guard(A)
    rig.sim.control.revoke_tokens()
    rig.sim.control.drop_connections()

    assert rig.account().wait(StreamConnected, count=2)[1].generation == 2
    assert len(rig.sim.record().requests("/Auth/loginKey")) == 2


def test_a_logout_by_the_broker_is_alarmed_and_survived(rig):
    """A session conflict: somebody logged in elsewhere."""
    rig.guard(A)
    rig.sim.control.log_out()

    assert "one device per user" in alarm(rig, AlarmCode.LOGGED_OUT_BY_BROKER).text
    assert rig.account().one(StreamLost).reason == "logged out by the broker"
    assert rig.account().wait(StreamConnected, count=2)[1].generation == 2


def test_a_malformed_payload_is_set_aside_and_the_stream_goes_on(rig):
    """The account it was about looks for itself; nothing crashes and nothing is guessed."""
    rig.guard(A)
    broken = {"accountId": A, "contractId": MNQ, "type": 0, "size": 3, "averagePrice": 1}
    rig.sim.control.push_raw("GatewayUserPosition", {"action": 1, "data": broken}, A)
    rig.hold()

    quarantined = rig.journal.one(PayloadQuarantined)
    assert quarantined.source == "gatewayuserposition"
    assert quarantined.error.startswith("type is 0")
    assert '"size":3' in quarantined.raw
    assert "type is 0" in alarm(rig, AlarmCode.PAYLOAD_QUARANTINED).text
    assert rig.account().one(PositionChanged).position.size == 1
    assert rig.account().one(ReconcileAccount).cause == "quarantine"
    assert not rig.account().all(StreamLost)


def test_one_bad_entity_of_a_list_does_not_take_the_others_with_it(rig):
    """Each is judged alone."""
    rig.guard(A)
    good = {"accountId": A, "contractId": MNQ, "type": 1, "size": 3, "averagePrice": 1.5}
    rig.sim.control.push_raw("GatewayUserPosition", [good | {"type": 9}, good, None], A)

    assert rig.account().one(PositionChanged).position.size == 3
    assert len(rig.journal.wait(PayloadQuarantined)) == 1


def test_an_unknown_target_is_set_aside_once(rig):
    """Something new from the broker is worth one look, not one per record."""
    rig.guard(A)
    for _ in range(3):
        rig.sim.control.push_raw("GatewayUserNovelty", {"x": 1}, None)
    rig.hold()
    rig.account().one(PositionChanged)

    rig.journal.one(PayloadQuarantined)
    assert len(rig.journal.all(PayloadQuarantined)) == 1


def test_facts_of_an_account_nobody_guards_are_set_aside_with_an_alarm(rig):
    """Above all they reach no other account."""
    rig.guard(A)
    foreign = {"accountId": 4711, "contractId": MNQ, "type": 1, "size": 3, "averagePrice": 1}
    rig.sim.control.push_raw("GatewayUserPosition", {"action": 1, "data": foreign}, A)

    assert alarm(rig, AlarmCode.UNKNOWN_ACCOUNT).account == 4711
    assert "accountId is 4711" in rig.journal.one(PayloadQuarantined).error
    assert not rig.account().all(PositionChanged)


def test_an_account_the_hub_refuses_hears_so_and_does_not_blind_the_others(rig):
    """Account 999 is not of this login."""
    rig.open()
    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(999, A), poll_s=None)))

    rig.account(A).one(StreamConnected)
    assert alarm(rig, AlarmCode.UNKNOWN_ACCOUNT).account == 999
    rig.hold()
    rig.account().one(PositionChanged)


def test_accounts_can_be_added_while_the_hub_is_up(rig):
    """On the same connection, and whoever is up already hears so again."""
    rig.guard(A)
    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(A, B), poll_s=None)))

    assert rig.account(B).one(StreamConnected).generation == 1
    assert rig.account(A).wait(StreamConnected, count=2)[1].generation == 1


def test_accounts_are_asked_in_turn_to_compare_themselves(rig):
    """Slowly, one after another, for ever."""
    rig.guard(A, B, reconcile_every_s=0.05)

    told = [
        (each.at, account)
        for account in (A, B)
        for each in rig.account(account).wait(ReconcileAccount, count=3)
    ]
    in_turn = [account for _, account in sorted(told)]
    assert in_turn in ([A, B] * 3, [B, A] * 3)
