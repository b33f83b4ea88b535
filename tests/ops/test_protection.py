"""What is wrong with the protection: one answer for `/readyz`, `status` and the page."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from msgspec import structs

from actors.ops.protection import Kind, holes
from messages.queries import EnforcementStatus, Ping
from messages.values import FlatAccount, Health, Phase, Rejected
from tests.ops.test_status import OPEN, of
from tests.rig import A, B, config_of
from tests.security.doors import NOW

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


def enforcing(*, deadline_s: float, flat: bool = False) -> EnforcementStatus:
    return EnforcementStatus(
        since=NOW - timedelta(seconds=9),
        targets=(FlatAccount(),),
        deadline_at=NOW + timedelta(seconds=deadline_s),
        flat_confirmed=flat,
    )


def one(**fields):
    return of(structs.replace(OPEN, **fields))


@pytest.mark.parametrize(
    "status",
    [
        of(OPEN),
        one(phase=Phase.LOCKED),
        one(phase=Phase.ENFORCING, enforcement=enforcing(deadline_s=0)),
        one(phase=Phase.ENFORCING, enforcement=enforcing(deadline_s=-1, flat=True)),
    ],
    ids=["open", "locked", "enforcing in time", "flat, the record waits"],
)
def test_nothing_is_wrong_while_everything_is_guarded(status):
    """Enforcing and locked are what it is for."""
    assert holes(status) == ()


@pytest.mark.parametrize(
    ("status", "kind", "account", "says"),
    [
        (of(), Kind.NO_ACCOUNT, None, "NO ACCOUNT"),
        (of(OPEN, live=False, unrecorded=None), Kind.NOT_RUNNING, None, "NOT RUNNING"),
        (of(OPEN, unrecorded=3), Kind.JOURNAL, None, "not on disk: 3"),
        (of(OPEN, unrecorded=None), Kind.JOURNAL, None, "it does not answer"),
        (of(OPEN, unanswered=(B,)), Kind.UNANSWERED, B, "DOES NOT ANSWER"),
        (of(unanswered=(B,)), Kind.UNANSWERED, B, "DOES NOT ANSWER"),
        (of(OPEN, down=("enforcer/7",)), Kind.DOWN, None, "enforcer/7 IS DOWN"),
        (one(health=Health.STALE, health_reason="x y"), Kind.STALE, A, "is stale: x y"),
        (one(health=Health.UNKNOWN, health_reason="z"), Kind.UNKNOWN, A, "is unknown: z"),
        (one(starting="waiting for it"), Kind.STARTING, A, "starting: waiting for it"),
        (one(phase=Phase.STARTING), Kind.STARTING, A, "starting: it is not judged yet"),
        (
            one(phase=Phase.ENFORCING, enforcement=enforcing(deadline_s=-0.001)),
            Kind.EXPOSED,
            A,
            "not confirmed flat since 16:59:51 UTC",
        ),
        (one(caveats=("RULE-009: ended",)), Kind.CALENDAR, A, "RULE-009: ended"),
    ],
)
def test_each_hole_is_named(status, kind, account, says):
    """Its kind, whose it is, and what a person should read."""
    (hole,) = holes(status)

    assert (hole.kind, hole.account) == (kind, account)
    assert says in hole.line
    assert hole.line.startswith(str(account)) == (account is not None)


def test_what_concerns_all_comes_first():
    """It may be the reason for the rest."""
    ill = structs.replace(OPEN, health=Health.STALE, health_reason="quiet")

    assert [hole.kind for hole in holes(of(ill, unrecorded=1))] == [Kind.JOURNAL, Kind.STALE]


# --- the running system ---------------------------------------------------------------------------


def ready(run) -> tuple[int, list[str]]:
    answer = httpx.get(f"{run.system.http.url}/readyz", trust_env=False)
    body = answer.json()
    assert body["ready"] == (answer.status_code == 200) == (body["holes"] == [])
    assert len(body["holes"]) == len(body["not_ready"])
    return answer.status_code, [each["kind"] for each in body["holes"]]


def test_a_guarded_account_is_ready_and_one_that_cannot_be_read_is_not(rig):
    """A failed read is unknown, never flat; with the next complete one it is ready again."""
    run = rig(RULES)
    assert ready(run) == (200, [])

    run.broker.blind.add(A)
    run.do(lambda gateway: gateway.lose())
    run.do(lambda gateway: gateway.reconnect())
    assert ready(run) == (503, ["unknown"])

    run.broker.blind.clear()
    run.advance(60)
    assert ready(run) == (200, [])


def test_an_account_locked_with_exposure_is_not_protected(rig):
    """It is LOCKED and LIVE, and still holds what should be closed."""
    run = rig(RULES)
    run.price("MNQ", "21000")
    run.order(A, "MNQ", 2)
    run.broker.refusing[A] = Rejected(code=5, text="no")
    run.fill(A, "-500")
    assert ready(run) == (200, [])  # it has its time

    run.advance(6)
    assert run.held(A)
    assert ready(run) == (503, ["exposed"])

    run.broker.refusing.clear()
    run.advance(60)
    assert not run.held(A)
    assert ready(run) == (200, [])


def test_a_calendar_that_has_ended_is_said(rig):
    """Hours by a table that ended are a guess, though a strict one."""
    hours = config_of(session_block_outside={"start": "00:00", "end": "23:59"})
    run = rig(
        hours + '\n[checks]\nallow = ["calendar_expires_soon"]\n',
        start=datetime(2028, 6, 1, 17, tzinfo=UTC),
    )

    code, kinds = ready(run)

    assert (code, set(kinds)) == (503, {"calendar"})


def test_an_enforcer_that_is_down_is_said_although_its_account_answers(rig):
    """The account could judge, and nobody would close."""
    run = rig(RULES)
    address = f"enforcer/{A}"

    def fail():
        run.system.directory.tell(address, Ping)  # a class is no message
        run.settle()

    fail()
    assert ready(run) == (200, [])  # replaced at once
    fail()
    assert run.system.status().down == (address,)
    assert ready(run) == (503, ["down"])

    run.advance(60)
    assert run.system.status().down == ()
    assert ready(run) == (200, [])
