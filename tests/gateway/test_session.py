"""Logging in, staying logged in, and keeping the key to ourselves."""

import asyncio
import time

import pytest
import rich.pretty

from actors.gateway import BrokerUnreachableError, LoginRefusedError
from actors.gateway.client import BrokerClient
from actors.gateway.outbox import Outbox
from actors.gateway.upkeep import keep_session
from actors.simulator import FaultKind
from messages.codec import to_json
from messages.commands import CloseContract, GuardAccounts, OpenSession
from messages.events import AlarmRaised, BrokerCommandAnswered
from messages.facts import StreamConnected
from messages.values import AlarmCode, Done, NotSent
from tests.gateway.support import IN_TIME_S, KEY, MNQ, PATIENCE_S, USER, A, B

LOGIN = "/Auth/loginKey"
DAY_S = 86_400


def logins(rig):
    return len(rig.sim.record().requests(LOGIN))


def close(rig, command_id="c1", deadline_s=IN_TIME_S):
    """Close MNQ, and return the outcome."""
    rig.ask(CloseContract, command_id=command_id, deadline_s=deadline_s, contract=MNQ)
    answered = rig.enforcer().one(
        BrokerCommandAnswered, lambda answer: answer.command_id == command_id
    )
    return answered.outcome


def test_opening_a_session_lists_the_accounts(rig):
    """With balance and flags, as the broker has them."""
    rig.open()

    listed = [(each.account, each.name, each.simulated) for each in rig.session.accounts]
    assert (rig.session.login, listed) == ("sim", [(A, "ONE", True), (B, "TWO", True)])


def test_a_wrong_key_is_refused_with_the_codes_name_and_without_the_key(rig):
    """Exit code 77 is made of this."""
    rig.start(api_key="wrong-key-0815")

    with pytest.raises(LoginRefusedError, match=r"InvalidCredentials \(3\)") as refused:
        rig.gateway.ask(OpenSession(**rig.head()), timeout=PATIENCE_S)
    assert "wrong-key-0815" not in str(refused.value)


def test_a_broker_that_is_not_there_is_unreachable(rig):
    """Exit code 69 is made of this."""
    rig.start(api_url="http://127.0.0.1:1/api")

    with pytest.raises(
        BrokerUnreachableError, match=r"http://127\.0\.0\.1:1/api: ClientConnectorError"
    ):
        rig.gateway.ask(OpenSession(**rig.head()), timeout=PATIENCE_S)


def test_five_at_once_on_no_token_log_in_once(rig):
    """Single-flight: the SDK itself would log in five times."""

    async def scene():
        client = BrokerClient(rig.settings(), **rig.alone())
        await asyncio.gather(*(client.token() for _ in range(5)))
        await client.close()

    asyncio.run(scene())

    assert logins(rig) == 1


def test_a_token_that_has_expired_is_replaced_before_the_close_goes_out(still_rig):
    """After a night of sleep, say."""
    still_rig.guard(A)
    still_rig.hold()
    still_rig.clock.advance(DAY_S + 1)

    assert close(still_rig) == Done()
    assert logins(still_rig) == 2
    assert still_rig.sim.control.positions(A) == {}


def test_a_token_that_was_revoked_costs_a_close_one_login_and_one_resend(rig):
    """401 proves that nothing was applied, so sending again is safe."""
    rig.guard(A)
    rig.hold()
    rig.sim.control.revoke_tokens()

    assert close(rig) == Done()
    statuses = [each.status for each in rig.sim.record().requests("/Position/closeContract")]
    assert (statuses, logins(rig)) == ([401, 200], 2)


def test_a_broker_that_keeps_saying_401_is_asked_twice_and_no_more(rig):
    """Then it is certain that nothing was sent in effect."""
    rig.guard(A)
    rig.sim.control.fault(FaultKind.HTTP, "/Position/closeContract", status=401)

    assert isinstance(close(rig), NotSent)
    assert len(rig.sim.record().requests("/Position/closeContract")) == 2


def test_a_refused_relogin_is_not_hammered_and_alarms_once(rig):
    """A refused key stays refused; ten commands must not become ten logins."""
    rig.guard(A)
    rig.sim.control.revoke_tokens()
    rig.sim.control.fault(FaultKind.REJECT, LOGIN, code=3)
    before = logins(rig)

    outcomes = [close(rig, command_id=f"c{number}") for number in range(10)]

    assert all(isinstance(outcome, NotSent) for outcome in outcomes)
    assert logins(rig) - before <= 2
    failed = lambda alarm: alarm.code == AlarmCode.LOGIN_FAILED  # noqa: E731
    rig.journal.one(AlarmRaised, failed)
    assert len([each for each in rig.journal.all(AlarmRaised) if failed(each)]) == 1


class Watched(BrokerClient):
    """Tells when it has prolonged its session or used its connection."""

    async def refresh_if_due(self):
        before = self.session_token
        await super().refresh_if_due()
        if self.session_token != before:
            self.done.set()

    async def keep_warm(self, *, within_s):
        await super().keep_warm(within_s=within_s)
        self.done.set()


def kept_for(rig, seconds):
    """Keep a session while so many seconds pass; return once something was done about it."""

    async def scene():
        client = Watched(rig.settings(), **rig.alone())
        client.done = asyncio.Event()
        outbox = Outbox(login="sim", clock=rig.clock, directory=rig.directory)
        await client.token()
        rig.clock.advance(seconds)
        keeping = asyncio.create_task(keep_session(client, outbox, look_every_s=0.01))
        async with asyncio.timeout(PATIENCE_S):
            await client.done.wait()
        keeping.cancel()
        await client.close()

    asyncio.run(scene())


def test_the_token_is_prolonged_well_before_it_expires(still_rig):
    """At three quarters of its life, without a new login, by `/Auth/validate`."""
    kept_for(still_rig, 0.75 * DAY_S)

    assert len(still_rig.sim.record().requests("/Auth/validate")) == 1
    assert logins(still_rig) == 1


def test_the_connection_is_kept_warm(still_rig):
    """After 25 s without a request it is used, before the HTTP client hangs up at 60 s."""
    kept_for(still_rig, 25)

    assert not still_rig.sim.record().requests("/Auth/validate")


def test_a_restarted_gateway_resumes_by_itself_even_while_the_broker_is_down(rig):
    """Made with `guarded` it logs in, connects and subscribes without being asked."""
    rig.sim.control.fault(FaultKind.HTTP, LOGIN, status=503, times=2)

    rig.start(guarded=(A, B))

    for account in (A, B):
        assert rig.account(account).one(StreamConnected).generation == 1
    alarm = rig.journal.one(AlarmRaised, lambda alarm: alarm.code == AlarmCode.LOGIN_FAILED)
    assert "HTTP 503" in alarm.text


def test_no_key_and_no_token_is_ever_shown(rig, capfd, caplog):
    """Not in reprs, not in logs, not in alarms, whatever fails."""
    rig.guard(A)
    token = rig.gateway._actor_weakref()._client.session_token
    rig.sim.control.drop_connections()
    rig.sim.control.revoke_tokens()
    rig.account().wait(StreamConnected, count=2)
    rig.stop()

    shown = [repr(rig.settings()), rich.pretty.pretty_repr(rig.settings()), caplog.text]
    shown += [to_json(message).decode() for message in rig.journal.all() + rig.account().all()]
    shown += capfd.readouterr()
    assert token
    assert not [text for text in shown if KEY in text or token in text]
    assert USER not in shown[0]


def test_stopping_leaves_nothing_running(rig):
    """Tasks, hubs and HTTP connections are gone when the stop is answered."""
    rig.guard(A, B)
    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(A, B), poll_s=None)))

    begun = time.perf_counter()
    rig.gateway.stop(timeout=PATIENCE_S)

    assert not asyncio.all_tasks(rig.loop.loop)
    assert time.perf_counter() - begun < 8.0  # no time limit of a connection was waited for
