"""A gateway that fails is replaced, and its login is guarded again without anybody's help."""

from decimal import Decimal

import pytest

from actors.gateway import GatewayActor
from actors.gateway.quotes import AnnounceHeld
from actors.runtime import ChildSpec, OwnThread, RootSupervisor, StartChild
from actors.simulator import FaultKind
from messages.commands import CloseContract, GuardAccounts, HoldQuotes, OpenSession, TakeSnapshot
from messages.events import ActorRestarted, BrokerCommandAnswered
from messages.facts import (
    PositionChanged,
    QuoteChanged,
    QuotesLost,
    SnapshotFailed,
    StreamConnected,
    StreamLost,
)
from messages.values import Done, Uncertain
from tests.gateway.support import IN_TIME_S, MNQ, PATIENCE_S, A, Heard, Probe


@pytest.fixture
def supervised(rig):
    """Put the rig's gateway under a supervisor, guarding account A."""
    rig.start()
    rig.gateway.stop(timeout=PATIENCE_S)
    thread = OwnThread("supervisor")
    common = {"clock": rig.clock, "directory": rig.directory}
    supervisor = RootSupervisor.start(dispatcher=thread, on_give_up=lambda *_: None, **common)
    guarded = []

    def factory():
        return GatewayActor(
            login=rig.settings(),
            dispatcher=rig.loop,
            guarded=tuple(guarded),
            fence=rig.fence,
            in_shadow=rig.shadows.__contains__,
            **common,
        )

    spec = ChildSpec(address="gateway/sim", factory=factory)
    rig.gateway = supervisor.ask(StartChild(spec), timeout=PATIENCE_S)
    rig.gateway.ask(OpenSession(**rig.head()), timeout=PATIENCE_S)
    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(A,), poll_s=None)))
    rig.account().one(StreamConnected)
    guarded.append(A)
    yield rig
    supervisor.stop(timeout=PATIENCE_S)
    thread.stop()


def crash(rig):
    rig.gateway.tell("no message at all")
    rig.journal.one(ActorRestarted)


def test_the_successor_connects_and_says_so(supervised):
    """The accounts hear of the loss at once, then StreamConnected; facts flow."""
    crash(supervised)

    supervised.account().wait(StreamConnected, count=2)
    assert supervised.account().one(StreamLost).reason == "the gateway failed"
    supervised.hold()
    assert supervised.account().one(PositionChanged).position.size == 1


def test_a_successor_says_that_its_predecessor_hears_no_quotes_any_more(supervised):
    """Also of one that hung, and could not say it itself: it is the first thing that is said."""
    heard = Heard()
    supervised.quotes.stop(timeout=PATIENCE_S)
    supervised.directory.register("quotes", Probe.start(dispatcher=supervised.pool, heard=heard))

    crash(supervised)

    lost = heard.wait(QuotesLost, count=2)
    assert [each.cause for each in lost] == ["the gateway failed", "a new gateway"]
    supervised.account().wait(StreamConnected, count=2)


def test_what_was_under_way_is_uncertain_and_what_waited_is_carried_out(supervised):
    """The enforcer is answered either way, and the address stays the same."""
    supervised.hold()
    supervised.sim.control.fault(FaultKind.HANG_BEFORE, "/Position/closeContract", times=1)
    common = {"contract": MNQ, "deadline_s": IN_TIME_S}
    supervised.ask(CloseContract, command_id="hanging", **common)
    supervised.sim.control.fault(FaultKind.HANG_BEFORE, "/Order/v2/query", times=1)
    supervised.ask(
        TakeSnapshot,
        request_id="r1",
        asker=f"account/{A}",
        trades_since=None,
        urgent=True,
        deadline_s=30,
    )
    supervised.sim.record().wait_for(
        lambda entry: getattr(entry, "endpoint", "") == "/Position/closeContract", PATIENCE_S
    )
    crash(supervised)
    supervised.ask(CloseContract, command_id="next", **common)

    answers = {
        answer.command_id: answer.outcome
        for answer in supervised.enforcer().wait(BrokerCommandAnswered, count=2)
    }
    assert isinstance(answers["hanging"], Uncertain)
    assert answers["next"] == Done()
    assert supervised.account().one(SnapshotFailed).request_id == "r1"


def test_a_gateway_that_guards_nobody_asks_what_it_is_to_hear(rig):
    """Accounts of other logins may hold it, and nobody else would tell it."""
    heard = rig._probe("quotes")
    rig.gateway = GatewayActor.start(
        login=rig.settings(),
        dispatcher=rig.loop,
        fence=rig.fence,
        in_shadow=rig.shadows.__contains__,
        clock=rig.clock,
        directory=rig.directory,
    )

    assert heard.one(AnnounceHeld).login == "sim"


def test_quotes_flow_again(supervised):
    """The quote actor tells the successor what is held."""
    supervised.sim.control.set_price(MNQ, Decimal(25_000))
    supervised.quotes.tell(HoldQuotes(**supervised.head(account=A), contracts=(MNQ,)))
    supervised.account().one(QuoteChanged)
    crash(supervised)

    supervised.account().wait(QuoteChanged, count=2)
