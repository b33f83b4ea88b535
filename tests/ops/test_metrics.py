"""Figures for Prometheus: valid, bounded, counted once, and of no harm to anything."""

import re
import threading
from collections import Counter as Tally
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest
from msgspec import structs

from actors import system
from actors.journal import Store
from actors.ops.metrics import Counts, Readings, exposition
from actors.ops.metrics.gauges import ACCOUNT_SERIES
from actors.ops.metrics.timing import STEPS, Timing, Took
from messages.events import AccountLocked, EnforcementStarted, FlatConfirmed, RuleBreached
from messages.facts import AccountChanged
from messages.values import Breach, BreachCode, FlatAccount, Rejected
from tests.journal.disk import CAN_FAIL, Disk
from tests.ops.scrape import Figures, scrape
from tests.ops.test_status import OPEN, lockout, of
from tests.rig import PATIENCE_S, A, B, config_of
from tests.security.doors import NOW, Door

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})
NOTHING_READ = Readings((), {"desk": None}, None, None, None, None)
LATENCY = "lockstep_enforcement_latency_seconds"
LOCKOUT = lockout(None)
BREACH = Breach(
    rule="RULE-003",
    code=BreachCode.DAILY_REALIZED_LOSS,
    value=Decimal(-500),
    limit=Decimal(500),
    reason="x",
    measure="x",
    targets=(),
)


def figures(run) -> Figures:
    run.settle()
    return scrape(run.system.http.url)


def breach(run, account=A) -> None:
    """Hold two contracts and lose the day's limit."""
    run.price("MNQ", "21000")
    run.order(account, "MNQ", 2)
    run.fill(account, "-500")


# --- the text ---------------------------------------------------------------------------------------


def test_every_figure_is_one_that_prometheus_and_its_linter_take(rig):
    """HELP and TYPE, once each; counters end in _total; base units; snake_case."""
    run = rig(RULES)
    breach(run)

    shown = figures(run)

    names = [family.name for family in shown.families]
    assert Tally(names).most_common(1)[0][1] == 1
    assert len(names) > 40
    for family in shown.families:
        assert family.documentation, family.name
        assert family.type in {"counter", "gauge", "histogram"}, family.name
        assert re.fullmatch(r"(lockstep|process)(_[a-z]+)+", family.name)
        assert not re.search(r"_(ms|millis|minutes|hours|kb|mb|percent|total|count)$", family.name)
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples)
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        for sample in family.samples:
            assert "_created" not in sample.name
            assert all(re.fullmatch(r"[a-z_]+", name) for name in sample.labels)
    for line in shown.text.splitlines():
        if line.startswith("# HELP"):
            assert f"# TYPE {line.split()[2]} " in shown.text


@pytest.mark.parametrize(("count", "shown"), [(ACCOUNT_SERIES, True), (ACCOUNT_SERIES + 1, False)])
def test_labels_stay_bounded_however_many_accounts_there_are(count, shown):
    """Each account has its own series up to a bound, and none beyond; the sums are always there."""
    many = of(*(structs.replace(OPEN, account=A + n) for n in range(count)))

    read = Figures(exposition(Counts(), many, NOTHING_READ).decode())

    of_accounts = [
        sample.name
        for family in read.families
        for sample in family.samples
        if "account" in sample.labels
    ]
    assert read("lockstep_account_series") == shown
    assert len(of_accounts) == (5 * count if shown else 0)
    assert read("lockstep_accounts", login="desk", phase="open") == count
    assert len(read.labels("lockstep_accounts")) == 4


def test_no_label_but_the_bounded_account_holds_an_id(rig):
    """Orders, commands, breaches and enforcements have ids without end."""
    run = rig(RULES)
    breach(run)
    run.order(A, "MNQ", 1)  # under lock

    shown = figures(run)

    values = {
        value
        for family in shown.families
        for sample in family.samples
        for name, value in sample.labels.items()
        if name not in {"account", "le", "version"}
    }
    assert [value for value in values if re.search(r"\d{4}|/|\s", value)] == []


def test_with_no_status_to_be_had_nothing_is_protected():
    """What is not known is not safe; the counts are there all the same."""
    read = Figures(exposition(Counts(), None, NOTHING_READ).decode())

    assert read("lockstep_protected") == 0
    assert read("lockstep_status_answered") == 0
    assert read("lockstep_journal_durable") == 0
    assert read("lockstep_login_answered", login="desk") == 0
    assert read("lockstep_alarms_total", code="LEASE_LOST") == 0
    assert read.labels("lockstep_journal_unrecorded_events") == []


# --- what is counted --------------------------------------------------------------------------------


def test_a_breach_is_counted_and_timed_step_by_step(rig):
    """From the fill's own arrival to the lock on disk."""
    run = rig(RULES)
    before = figures(run)
    assert before("lockstep_breaches_total", rule="RULE-003") == 0
    assert before("lockstep_protected") == 1

    breach(run)

    shown = figures(run)
    assert shown("lockstep_breaches_total", rule="RULE-003") == 1
    assert shown("lockstep_locks_total", rule="RULE-003", flat="confirmed") == 1
    assert shown("lockstep_enforcements_total", trigger="breach") == 1
    assert shown("lockstep_broker_commands_total", command="close_contract") == 1
    assert shown("lockstep_broker_answers_total", outcome="done") == 1
    assert shown("lockstep_lockouts", rule="RULE-003", duty="flat") == 1
    assert shown("lockstep_accounts", login="desk", phase="locked") == 1
    assert shown("lockstep_account_locked", account=str(A)) == 1
    assert shown("lockstep_account_realised_usd", account=str(A)) == -500
    for step in STEPS:
        assert shown(f"{LATENCY}_count", trigger="breach", step=step) == 1
        assert (
            shown(f"{LATENCY}_sum", trigger="breach", step=step) < 0.001
        )  # time stands still here


def test_what_a_broker_refuses_is_seen_in_the_latencies(rig):
    """The lock comes with the deadline, flat later, and until then nothing is protected."""
    run = rig(RULES)
    run.broker.refusing[A] = Rejected(code=5, text="no")
    breach(run)
    run.advance(6)

    late = figures(run)
    assert late("lockstep_locks_total", rule="RULE-003", flat="not_confirmed") == 1
    assert late("lockstep_enforcement_deadlines_passed_total") == 1
    assert late("lockstep_enforcements_under_way") == 1
    assert late("lockstep_enforcement_oldest_seconds") == 6
    assert late("lockstep_protected") == 0
    assert late("lockstep_holes", kind="exposed") == 1
    assert late("lockstep_broker_answers_total", outcome="rejected") >= 1

    run.broker.refusing.clear()
    run.advance(60)
    shown = figures(run)
    assert shown(f"{LATENCY}_bucket", trigger="breach", step="locked", le="2.5") == 0
    assert shown(f"{LATENCY}_bucket", trigger="breach", step="locked", le="10.0") == 1
    assert shown(f"{LATENCY}_bucket", trigger="breach", step="flat", le="5.0") == 0
    assert shown(f"{LATENCY}_count", trigger="breach", step="flat") == 1
    assert shown("lockstep_protected") == 1


def test_what_appears_under_a_lock_is_timed_apart(rig):
    """It has no breach and is followed by no lock."""
    run = rig(RULES)
    breach(run)
    run.order(A, "MNQ", 1)

    shown = figures(run)

    name = f"{LATENCY}_count"
    assert shown("lockstep_exposure_under_lock_total") >= 1
    assert shown(name, trigger="standing", step="flat") >= 1
    assert shown(name, trigger="standing", step="locked") == 0
    assert shown(name, trigger="breach", step="locked") == 1


def test_the_age_of_what_waits_is_seen_while_an_account_hangs(rig, monkeypatch):
    """The inbox is looked at from outside: nobody has to answer."""
    monkeypatch.setattr(system, "_STATUS_S", 2.0)
    run = rig(RULES)
    hangs, ends = threading.Event(), threading.Event()
    core = run.system.directory.ref(f"account/{A}")._actor_weakref()._core
    handle = core.handle

    def slow(message, now):
        hangs.set()
        assert ends.wait(PATIENCE_S)
        return handle(message, now)

    core.handle = slow
    gateway = run.system.directory.ref("gateway/desk")
    for _ in range(2):
        gateway.ask(lambda each: each.say_account(A, can_trade=True), timeout=PATIENCE_S)
    assert hangs.wait(PATIENCE_S)
    run.clock.advance(3)

    shown = scrape(run.system.http.url)
    ends.set()

    assert shown("lockstep_oldest_unjudged_fact_seconds") == pytest.approx(3, abs=0.01)
    assert shown("lockstep_inbox_oldest_seconds", actor="account") >= 2.99
    assert shown("lockstep_inbox_messages_max", actor="account") >= 1
    assert shown("lockstep_accounts_unanswered") == 1
    assert shown("lockstep_holes", kind="unanswered") == 1
    assert figures(run)("lockstep_oldest_unjudged_fact_seconds") == 0


@pytest.mark.skipif(not CAN_FAIL, reason="needs Linux to fail a disk")
def test_what_the_disk_refuses_is_counted_once(rig, monkeypatch):
    """The journal tells it twice: as it is refused, and when it is on disk after all."""
    under = Disk()
    monkeypatch.setattr(Store, "append_rows", lambda *each: under.append_rows(*each))  # noqa: PLW0108 - bound
    run = rig(RULES)
    under.fails = lambda _number: True
    breach(run)
    refused = figures(run)
    under.fails = lambda _number: False
    assert refused("lockstep_journal_durable") == 0
    assert refused("lockstep_journal_unrecorded_events") > 0
    assert refused("lockstep_holes", kind="journal") == 1
    assert refused("lockstep_enforcements_unrecorded_total") >= 1
    assert refused(f"{LATENCY}_count", trigger="breach", step="recorded") == 0
    assert refused(f"{LATENCY}_count", trigger="breach", step="locked") == 1
    run.advance(2)

    shown = figures(run)
    assert shown("lockstep_journal_durable") == 1
    assert shown("lockstep_journal_last_seq") == max(each.seq for each in run.stored())
    assert len(run.events(RuleBreached)) == 2
    assert shown("lockstep_breaches_total", rule="RULE-003") == 1
    assert shown("lockstep_locks_total", rule="RULE-003", flat="confirmed") == 1


def test_a_restart_of_the_actor_that_counts_loses_no_count(rig):
    """It goes on where its predecessor ended, and is not told twice."""
    run = rig(RULES)
    breach(run)
    run.system.directory.tell("metrics", "no message")
    run.settle()
    run.advance(1)
    breach(run, B)

    shown = figures(run)

    assert shown("lockstep_actor_restarts_total", actor="metrics") == 1
    assert shown("lockstep_dead_letters_total", actor="metrics") == 1
    assert shown("lockstep_alarms_total", code="DEAD_LETTER") == 1
    assert shown("lockstep_breaches_total", rule="RULE-003") == 2
    assert len(run.events(AccountLocked, A) + run.events(AccountLocked, B)) == 2


def test_the_first_failure_of_an_actor_is_a_step_from_zero(rig):
    """An increase needs its first step too: what begins at 1 never sets off an alert."""
    shown = scrape(rig(config_of()).system.http.url)
    kinds = {each["actor"] for each in shown.labels("lockstep_actors")}

    assert {"account", "gateway", "journal", "enforcer"} <= kinds
    for name in ("lockstep_dead_letters_total", "lockstep_actor_restarts_total"):
        assert {each["actor"] for each in shown.labels(name)} == kinds
        assert {shown(name, actor=each) for each in kinds} == {0}


def test_an_actor_that_is_down_is_counted_by_its_kind(rig):
    """And its account is not protected meanwhile."""
    run = rig(RULES)
    for _ in range(2):
        run.system.directory.tell(f"enforcer/{A}", "no message")
        run.settle()

    shown = figures(run)
    assert shown("lockstep_actors", actor="enforcer") == 2
    assert shown("lockstep_actors_down", actor="enforcer") == 1
    assert shown("lockstep_holes", kind="down") == 1

    run.advance(60)
    assert figures(run)("lockstep_actors_down", actor="enforcer") == 0


# --- no harm ----------------------------------------------------------------------------------------


def test_a_scrape_that_fails_or_hangs_harms_nothing():
    """The status is answered meanwhile; however many scrape, one looks at a time."""
    hangs, looks = threading.Event(), []

    class Sick(Door):
        def _metrics(self):
            looks.append(None)
            if len(looks) == 1:
                raise RuntimeError("canary")
            hangs.wait(PATIENCE_S)
            return b"up 1\n"

    here = Sick()
    here.server.start()
    try:
        status, answer = here.ask("GET", "/metrics")
        assert status == 500
        assert b"canary" not in answer
        lines = [here.connect() for _ in range(20)]
        for line in lines:
            line.sendall(f"GET /metrics HTTP/1.1\r\nHost: {here.host}\r\n\r\n".encode())
        assert here.ask("GET", "/api/status")[0] == 200
        hangs.set()
        for line in lines:
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
            line.close()
    finally:
        hangs.set()
        here.server.stop()
    assert len(looks) < 21


def test_a_scrape_moves_nothing(rig):
    """It records nothing and tells no account anything it acts on."""
    run = rig(RULES)
    before = len(run.testimony.events())
    for _ in range(5):
        figures(run)
    run.settle()

    assert len(run.testimony.events()) == before


# --- the wire ---------------------------------------------------------------------------------------


def test_the_logins_budget_and_streams_are_shown(guarding, broker):
    """Of the real gateway: requests used and left, and whether its hubs are up."""
    run, config = guarding
    listen = config.read_text().partition('listen = "')[2].partition('"')[0]
    shown = scrape(f"http://{listen}")
    assert shown("lockstep_stream_connected", login="desk", hub="user") == 1
    assert shown("lockstep_requests_used", login="desk") > 0
    assert shown("lockstep_requests_left", login="desk") < 200
    assert shown("lockstep_protected") == 1
    assert shown("lockstep_journal_size_bytes", file="store") > 0
    assert shown("lockstep_journal_disk_free_bytes") > 0
    assert shown("process_resident_memory_bytes") > 0

    broker.stop()
    run.wait_line('"health_changed"', '"stale"', str(A))
    run.wait_line('"health_changed"', '"stale"', str(B))

    gone = scrape(f"http://{listen}")
    assert gone("lockstep_stream_connected", login="desk", hub="user") == 0
    assert gone("lockstep_protected") == 0
    assert gone("lockstep_accounts_by_health", login="desk", health="stale") == 2
    assert httpx.get(f"http://{listen}/readyz", trust_env=False).status_code == 503


# --- timing -----------------------------------------------------------------------------------------


def started(account=A, number=1, **fields):
    return EnforcementStarted(
        at=NOW,
        cause="x",
        account=account,
        enforcement_id=f"{account}/e{number}",
        **({"breaches": (f"{account}/b1",), "targets": (FlatAccount(),), "lockouts": ()} | fields),
        deadline_at=NOW,
    )


def told(timing, event, after_s=0.0, *, durable=True):
    return list(timing.take(event, NOW + timedelta(seconds=after_s), durable=durable))


def flat(account=A, number=1, after_s=0.0):
    return FlatConfirmed(
        at=NOW + timedelta(seconds=after_s),
        cause="x",
        account=account,
        enforcement_id=f"{account}/e{number}",
        targets=(),
        read_at=NOW,
        positions=(),
        orders=(),
        waves=1,
    )


def test_the_clock_starts_with_the_fact_behind_the_breach():
    """Found by its cause among the account's last ones; another account's does not count."""
    timing = Timing()
    for account, ago in ((B, 9), (A, 3)):
        at = NOW - timedelta(seconds=ago)
        fact = AccountChanged(account=account, at=at, cause="x", can_trade=True, balance_usd=None)
        assert told(timing, fact) == []
    broken = RuleBreached(
        account=A, at=NOW, cause="x", breach_id="b", trading_date="d", breach=BREACH
    )
    assert told(timing, broken) == []

    assert told(timing, started(), after_s=1) == [
        Took("breach", "decided", 3.0),
        Took("breach", "recorded", 4.0),
    ]
    assert told(timing, flat(after_s=2)) == [Took("breach", "flat", 5.0)]
    assert told(timing, flat(after_s=3)) == []


@pytest.mark.parametrize(
    ("fields", "trigger"),
    [
        ({}, "breach"),
        ({"breaches": (), "lockouts": (LOCKOUT,)}, "self"),
        ({"breaches": ()}, "standing"),
    ],
)
def test_without_a_fact_it_starts_with_the_decision(fields, trigger):
    """A quote is not journaled; refused by the disk it is not recorded."""
    assert told(Timing(), started(**fields), durable=False) == [Took(trigger, "decided", 0.0)]


def test_another_enforcement_ends_no_step_and_no_clock_runs_backwards():
    """Of one that a start resumes the beginning is not known."""
    timing = Timing()
    assert told(timing, flat()) == []
    told(timing, started(number=2))
    assert told(timing, flat(number=1)) == []
    assert told(timing, flat(number=2, after_s=-5)) == [Took("breach", "flat", 0.0)]
