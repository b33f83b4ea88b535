"""What people are told of a day: the whole system on a virtual clock, and a channel that listens."""

from datetime import timedelta

from actors.locking import LockRequest
from messages.events import AlarmRaised
from messages.journal import Append
from messages.values import AlarmCode
from tests.alerts.conftest import channel
from tests.rig import NOON, TOKENS, A, B, contract

NAME = f"50K-{A} ({A})"
START = "Lockstep 0.1.0 guards 2 accounts"
BREACH = f"{NAME}: RULE-003 Daily loss limit exceeded: $-510.00 (limit: $-500.00)"
DONE = f"{NAME}: done and verified, locked"


def begun(told, *tables, **how):
    """Return a system whose first notice has been told, some time ago."""
    run = told(*tables, **how)
    run.advance(6)
    run.advance(6)
    return run


def alarm(run, code, account=None, text="something"):
    """Have something alarmed."""
    raised = AlarmRaised(
        at=run.clock.now(),
        cause="test",
        account=account,
        code=code,
        text=f"{text} {run.clock.now()}",
    )
    append = Append(at=raised.at, cause="test", events=(raised,), asker=None, token="test")
    run.system.directory.tell("journal", append)
    run.settle()


def test_a_breach_with_its_enforcement_and_its_lock_is_told_twice(told, hook):
    """Its opening and its end; not every step between."""
    run = begun(told)
    run.order(A, "MNQ", 2)
    run.fill(A, "-510")
    run.advance(30)

    assert hook.titles == [START, BREACH, DONE]
    _, opening, end = hook.notices
    assert (opening["severity"], opening["stage"]) == ("critical", "opened")
    assert (end["severity"], end["stage"]) == ("critical", "closed")
    assert opening["episode"] == end["episode"] == f"breach/{A}/b1"
    assert "RULE-003 locks until 2025-10-29 22:00:00 UTC" in end["lines"]


def test_what_is_only_watched_is_told_as_such(told, hook):
    """Nobody may believe that a shadow has closed or locked anything."""
    run = begun(told, shadow=True)
    run.order(A, "MNQ", 2)
    run.fill(A, "-510")
    run.advance(30)

    assert f"SHADOW {BREACH}" in hook.titles
    end = next(each for each in hook.notices if each["stage"] == "closed")
    assert end["title"] == f"SHADOW {NAME}: withheld: NOTHING was closed, cancelled or locked"
    assert "RULE-003 would lock until 2025-10-29 22:00:00 UTC" in end["lines"]
    assert run.held(A) == {contract("MNQ"): 2}


def test_a_broker_that_hangs_is_told_once_more_and_its_end_too(told, hook):
    """Locked with exposure is what a person must know at once, whatever the hour."""
    run = begun(told)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-510")
    run.advance(6)
    stuck = hook.titles[1:]
    run.broker.hanging.clear()
    run.advance(12)

    assert stuck == [BREACH, f"{NAME}: NOT FLAT within the deadline; closing goes on"]
    assert hook.titles[3:] == [DONE]
    assert hook.notices[2]["stage"] == "grew"


def test_twenty_re_entries_under_a_lock_are_told_twice(told, hook):
    """The first, and how many there were once it has calmed."""
    run = begun(told)
    run.fill(A, "-510")
    for _ in range(20):
        run.order(A, "MNQ", 1)
        run.advance(2)
    run.advance(301)
    run.advance(6)

    said = [each for each in hook.notices if "its lock" in each["title"]]
    assert [each["stage"] for each in said] == ["opened", "closed"]
    assert said[1]["lines"][0].startswith("it happened 20 times in ")
    assert said[1]["lines"][0].endswith("; each was closed or cancelled, as the broker confirms")
    assert len(hook.told) <= 8  # with start, breach, the pattern that was alarmed, and a deadline


def test_re_entries_of_an_account_that_is_only_watched_are_not_called_closed(told, hook):
    """Neither at their beginning nor at their end: Lockstep did nothing about them."""
    run = begun(told, shadow=True)
    run.fill(A, "-510")
    run.advance(2)
    run.order(A, "MNQ", 1)
    run.advance(2)
    held = run.held(A)
    run.order(A, "MNQ", -1)  # the trader does
    for _ in range(6):
        run.advance(60)

    opening, end = [each for each in hook.notices if "under a lock" in each["title"]]
    assert (opening["stage"], end["stage"]) == ("opened", "closed")
    assert opening["title"].startswith(f"SHADOW {NAME}: order ")
    assert opening["lines"][0] == "NOTHING is closed or cancelled"
    assert opening["lines"][1].startswith("would be locked by RULE-003 until 2025-10-29 22:00:00")
    assert end["lines"][0].endswith("; NOTHING was closed or cancelled")
    assert held == {contract("MNQ"): 1}


def test_a_re_entry_that_the_broker_does_not_close_is_not_over(told, hook):
    """However long nothing new appears."""
    run = begun(told)
    run.fill(A, "-510")
    run.broker.hanging[A] = False
    run.order(A, "MNQ", 1)
    for _ in range(12):
        run.advance(60)
    hanging = [each["stage"] for each in hook.notices if "its lock" in each["title"]]
    run.broker.hanging.clear()
    for _ in range(3):
        run.advance(10)

    assert hanging == ["opened"]
    end = next(each for each in hook.notices if "nothing more appears" in each["title"])
    assert end["lines"][0].endswith("; each was closed or cancelled, as the broker confirms")
    assert run.held(A) == {}


def test_what_its_trader_locks_is_told_as_such(told, hook):
    """No rule was broken, and yet it is closed."""
    run = begun(told)
    run.system.lock(LockRequest(account=A, for_s=600.0, reason="enough @everyone"))
    run.settle()

    opening, end = hook.notices[1:]
    assert opening["title"].startswith(f"{NAME}: locked by its trader until ")
    assert opening["lines"][0] == "enough @everyone"
    assert (end["stage"], end["lines"][0]) == ("closed", "its trader: enough @everyone")


def test_a_restart_tells_what_is_open_once_and_nothing_of_the_past(told, hook):
    """A replayed journal is no storm of alerts."""
    run = begun(told)
    run.fill(A, "-510")
    run.stop()
    before = len(hook.told)
    again = told(broker=run.broker)
    for _ in range(4):
        again.advance(6)

    assert (
        hook.titles[before - 1] == "Lockstep stops (test): nothing is guarded until it runs again"
    )
    (said,) = hook.notices[before:]
    assert said["title"] == START
    assert said["lines"] == [f"{NAME} is locked by RULE-003 until 2025-10-29 22:00:00 UTC"]


def test_an_enforcement_of_before_the_start_is_announced_and_its_end_told(told, hook):
    """Whoever was told of the breach waits for the end of it."""
    run = begun(told)
    run.order(A, "MNQ", 2)
    run.broker.hanging[A] = False
    run.fill(A, "-510")
    run.advance(6)
    run.stop()
    before = len(hook.told)
    again = told(broker=run.broker)
    again.advance(6)
    again.advance(6)
    run.broker.hanging.clear()
    for _ in range(5):
        again.advance(2)

    said = [(each["title"], each["stage"]) for each in hook.notices[before:]]
    late = (f"{NAME}: NOT FLAT within the deadline; closing goes on", "opened")
    assert sorted(said[:2]) == sorted([late, (START, "news")])
    assert said[2:] == [(f"{NAME}: done and verified", "closed")]


def test_a_stream_that_is_lost_is_told_when_it_lasts_and_when_it_is_over(told, hook):
    """For both accounts together; a short interruption is nobody's business."""
    run = begun(told)
    run.do(lambda gateway: gateway.lose())
    run.advance(6)
    run.do(lambda gateway: gateway.reconnect())
    for _ in range(3):
        run.advance(6)
    short = hook.titles[1:]

    run.do(lambda gateway: gateway.lose())
    for _ in range(5):
        run.advance(6)
    run.do(lambda gateway: gateway.reconnect())
    for _ in range(12):
        run.advance(6)

    assert short == []
    assert hook.titles[1:] == ["2 accounts: NOT PROTECTED", "2 accounts: protected again"]
    opening, end = hook.notices[1:]
    assert (opening["severity"], opening["stage"]) == ("warning", "opened")
    assert (end["severity"], end["stage"]) == ("warning", "closed")
    assert opening["lines"][0].startswith(f"{NAME} is stale: ")


def test_being_unprotected_with_a_position_is_critical(told, hook):
    """A loss could grow unseen."""
    run = begun(told)
    run.order(B, "MNQ", 1)
    run.do(lambda gateway: gateway.lose())
    for _ in range(5):
        run.advance(6)

    assert hook.notices[1]["severity"] == "critical"


def test_the_same_alarm_again_waits_for_the_digest(told, hook):
    """The first at once; nine more are counted, and lesser things with them."""
    run = begun(told)
    for _ in range(10):
        alarm(run, AlarmCode.DEAD_LETTER)
        run.advance(6)
    alarm(run, AlarmCode.ACTOR_RESTARTED, A)
    first = hook.titles[1:]
    run.advance(3600)

    assert first == ["DEAD_LETTER"]
    digest = hook.notices[-1]
    assert digest["title"] == "Digest since 17:00 UTC: 10 lesser things"
    assert digest["lines"][0].startswith("9 x DEAD_LETTER: something 2025-10-29 17:")
    assert digest["lines"][1].startswith(f"1 x ACTOR_RESTARTED, {NAME}: ")


def test_the_same_alarm_of_many_accounts_is_told_in_two_notices(told, hook):
    """The first at once, the others together a moment later."""
    run = begun(told, accounts=tuple(range(1, 41)))
    for account in range(1, 41):
        alarm(run, AlarmCode.RULE_UNJUDGED, account)
    for _ in range(6):
        run.advance(6)

    assert hook.titles[1:] == [
        "RULE_UNJUDGED 50K-1 (1)",
        "RULE_UNJUDGED 50K-2 (2), 50K-3 (3), 50K-4 (4), 50K-5 (5), 50K-6 (6) and 34 more",
    ]


def test_four_fifths_of_a_limit_are_warned_of_once_a_day(told, hook):
    """Below it nothing; at it once, however often it is looked at; the next day again."""
    run = begun(told)
    run.fill(A, "-399.99")
    run.advance(6)
    below = hook.titles[1:]
    run.fill(A, "-0.01")
    run.advance(6)
    run.fill(A, "-50")
    run.advance(6)
    at_it = hook.titles[1:]
    run.at(NOON + timedelta(hours=6))
    run.fill(A, "-400")
    run.advance(6)

    warning = f"{NAME}: 80 % of RULE-003: day's loss $400.00 of $500.00"
    assert below == []
    assert at_it == [warning]
    assert hook.titles.count(warning) == 2


def test_the_days_result_is_told_after_the_reset(told, hook):
    """One message for all accounts: results, breaches, and what stays locked."""
    run = begun(told)
    run.fill(A, "-510")
    run.fill(B, "120", fees="1")
    run.at(NOON + timedelta(hours=5))
    run.advance(6)
    early = [each for each in hook.titles if each.startswith("Day")]
    run.advance(31)

    assert early == []
    summary = next(each for each in hook.notices if each["title"].startswith("Day"))
    assert summary["title"] == "Day 2025-10-29: 2 accounts, P&L $-391.00"
    assert summary["lines"] == [
        f"{NAME}: P&L $-510.00, 1 closing fills, 1 breaches",
        f"50K-{B} ({B}): P&L $119.00, 1 closing fills",
    ]


def test_quiet_hours_hold_everything_but_what_is_critical(told, hook):
    """Until they end; then what was held is told in one message."""
    quiet = '[alerts.quiet_hours]\nstart = "12:00"\nend = "13:00"\n'
    run = begun(told, quiet, channel())
    alarm(run, AlarmCode.DEAD_LETTER)
    run.fill(A, "-510")
    run.advance(60)
    during = hook.titles
    run.at(NOON + timedelta(hours=1, seconds=1))

    assert during == [BREACH, DONE]
    assert hook.titles[2] == "2 notices that were held back: 1 warning, 1 info"
    assert [each[9:] for each in hook.notices[2]["lines"]] == [
        "WARNING DEAD_LETTER",
        f"INFO {START}",
    ]


def test_a_channel_for_grave_things_is_told_no_others(told, hook, other, monkeypatch):
    """And the end of a grave one reaches it too."""
    monkeypatch.setitem(TOKENS, "LOCKSTEP_PHONE", other.url)
    run = begun(told, channel(), channel("phone", min_severity="critical"))
    alarm(run, AlarmCode.DEAD_LETTER)
    run.fill(A, "-510")
    run.settle()

    assert hook.titles == [START, "DEAD_LETTER", BREACH, DONE]
    assert other.titles == [BREACH, DONE]


def test_a_flood_is_told_in_a_few_messages(told, hook):
    """Sixty accounts break their limit at once: ten messages, and the rest in one."""
    accounts = tuple(range(1, 61))
    run = begun(told, accounts=accounts)
    for account in accounts:
        run.fill(account, "-510")
    (waiting,) = run.system.status().channels
    flood = len(hook.told)
    run.advance(7)

    assert flood == 11  # and the first one before it
    assert waiting.held_back == 110
    assert len(hook.told) == 12
    assert hook.titles[-1] == "110 notices that were held back: 110 critical"
    assert hook.notices[-1]["lines"][-1] == "and 85 more; the log has all of them"


def test_what_the_disk_refused_is_told_once(told, hook):
    """At once, for it happened; not again when the disk takes it at last."""
    run = begun(told)
    run.system._store._connection.execute("PRAGMA query_only = ON")
    run.fill(A, "-510")
    run.advance(2)
    refused = list(hook.titles)
    run.system._store._connection.execute("PRAGMA query_only = OFF")
    for _ in range(3):
        run.advance(6)

    assert BREACH in refused
    assert hook.titles.count(BREACH) == hook.titles.count(DONE) == 1
    assert hook.titles.count("JOURNAL_FAILED") == 1
