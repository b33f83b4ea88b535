"""What becomes an alert: pure, from events and looks at the system alone."""

from datetime import timedelta
from decimal import Decimal

import pytest

from actors.ops.alerts.core import AlertCore, Terms
from actors.ops.alerts.limits import Limits
from actors.ops.alerts.standing import Standing
from actors.ops.alerts.tiers import ALARMS, BREACHES
from actors.ops.alerts.wording import Names
from messages.alerts import Stage
from messages.events import (
    AccountLocked,
    AlarmRaised,
    DeadlinePassed,
    EnforcementFinished,
    EnforcementNarrowed,
    EnforcementStarted,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutAsked,
    LockoutReleased,
    RuleBreached,
)
from messages.queries import EnforcementStatus
from messages.values import (
    AlarmCode,
    Breach,
    BreachCode,
    Duty,
    FlatAccount,
    Health,
    Lockout,
    Phase,
    Position,
    ReleaseOn,
)
from tests.alerts.words import CRITICAL, INFO, NOW, WARNING, account, later, system, use

PATIENCE = timedelta(seconds=15)
HELD = (Position(contract="CON.F.US.MNQ.Z25", size=1, average_price=Decimal(1)),)
LOCK = Lockout(
    rule="RULE-003",
    scope="account",
    duty=Duty.FLAT,
    until=None,
    release_on=ReleaseOn.CAN_TRADE,
    reason="x",
    breach_id="1/b1",
    locked_at=NOW,
)


def core():
    terms = Terms(
        warn_share=Decimal("0.8"), patience=PATIENCE, digest=timedelta(hours=1), summary=True
    )
    return AlertCore(terms)


def breached(code=BreachCode.DAILY_REALIZED_LOSS, number=1, rule="RULE-003", of=1):
    breach = Breach(
        rule=rule,
        code=code,
        value=Decimal(1),
        limit=Decimal(1),
        reason=f"{code} happened",
        measure="1 of 1",
        targets=(FlatAccount(),),
    )
    return RuleBreached(
        at=NOW,
        cause="x",
        account=of,
        breach_id=f"{of}/b{number}",
        trading_date="2025-10-29",
        breach=breach,
    )


def started(number=1):
    return EnforcementStarted(
        at=NOW,
        cause="x",
        account=1,
        enforcement_id=f"1/e{number}",
        breaches=(f"1/b{number}",),
        targets=(FlatAccount(),),
        lockouts=(),
        deadline_at=NOW,
    )


def finished(number=1):
    return EnforcementFinished(at=NOW, cause="x", account=1, enforcement_id=f"1/e{number}")


def locked(number=1):
    return AccountLocked(
        at=NOW,
        cause="x",
        account=1,
        enforcement_id=f"1/e{number}",
        lockout=LOCK,
        flat_confirmed=True,
    )


def play(one, *events, now=NOW):
    return [
        (each.severity, each.stage, each.title) for event in events for each in one.note(event, now)
    ]


# --- the tables ---


@pytest.mark.parametrize(
    ("table", "kinds"), [(BREACHES, BreachCode), (ALARMS, AlarmCode)], ids=["breaches", "alarms"]
)
def test_every_breach_and_every_alarm_has_its_severity(table, kinds):
    """A new one cannot be forgotten."""
    assert set(table) == set(kinds)


# --- episodes ---


def test_a_graver_breach_that_joins_is_told_and_a_lesser_one_is_not():
    """Both are named at the end."""
    one = core()
    said = play(
        one,
        breached(BreachCode.MAX_CONTRACTS, rule="RULE-001"),
        started(),
        breached(BreachCode.NO_STOP_LOSS, 2, rule="RULE-008"),
        breached(number=3),
        locked(),
    )
    (end,) = one.note(finished(), later(2))

    assert [each[:2] for each in said] == [(WARNING, Stage.OPENED), (CRITICAL, Stage.GREW)]
    assert (end.severity, end.stage) == (CRITICAL, Stage.CLOSED)
    assert end.lines == (
        "RULE-001 MAX_CONTRACTS happened",
        "RULE-003 locks until the firm lets it trade again",
        "also: RULE-008 NO_STOP_LOSS happened",
        "also: RULE-003 DAILY_REALIZED_LOSS happened",
        "took 2.0 s",
    )


def test_what_its_trader_locks_during_an_episode_joins_it():
    """One flatten, one end."""
    one = core()
    asked = LockoutAsked(at=NOW, cause="x", account=1, lockout=LOCK)
    said = play(one, breached(), started(), asked, locked())
    (end,) = one.note(finished(), later(1))

    assert [each[1] for each in said] == [Stage.OPENED]
    assert "also: its trader: x" in end.lines


def test_routine_that_is_not_flat_in_time_is_critical():
    """Its beginning was not told, so this opens the episode."""
    one = core()
    late = DeadlinePassed(at=NOW, cause="x", account=1, enforcement_id="1/e1")
    said = play(one, breached(BreachCode.OUTSIDE_SESSION), started(), late, late, finished())

    assert [each[:2] for each in said] == [(CRITICAL, Stage.OPENED), (CRITICAL, Stage.CLOSED)]


def test_routine_is_told_in_the_digest_only():
    """Every account ends its session every evening."""
    one = core()
    said = play(
        one, breached(BreachCode.OUTSIDE_SESSION, rule="RULE-009"), started(), locked(), finished()
    )
    one.look(system(account()), NOW)
    (digest,) = [
        each for each in one.look(system(account()), later(3600)) if "Digest" in each.title
    ]

    assert said == []
    assert digest.lines[0].startswith("1 x RULE-009 OUTSIDE_SESSION, 50K-1 (1): ")


@pytest.mark.parametrize(
    ("code", "again_s", "told"),
    [
        (BreachCode.MAX_CONTRACTS, 899, 0),
        (BreachCode.MAX_CONTRACTS, 900, 2),
        (BreachCode.DAILY_REALIZED_LOSS, 1, 2),
    ],
)
def test_the_same_lesser_breach_soon_again_is_only_counted(code, again_s, told):
    """A trader who tries again and again is one story; a grave one is told each time."""
    one = core()
    play(one, breached(code), started(), finished())
    again = play(one, breached(code, 2), started(2), finished(2), now=later(again_s))

    assert len(again) == told


def test_a_breach_that_nothing_follows_is_over_after_a_while():
    """What it asks for was done already; the next one must not be taken for a part of it."""
    one = core()
    play(one, breached())
    early = one.look(system(account()), later(9))
    end = one.look(system(account()), later(10))

    assert [each.stage for each in early] == [Stage.NEWS]
    assert [each.title for each in end] == ["50K-1 (1): nothing is under way any more"]


def test_an_enforcement_that_is_under_way_at_the_first_look_is_announced_once():
    """And whatever id it has, its end is told."""
    one, under_way = (
        core(),
        EnforcementStatus(since=NOW, targets=(), flat_confirmed=False, deadline_at=NOW),
    )
    shown = system(account(enforcement=under_way))
    first = one.look(shown, NOW)
    second = one.look(shown, later(5))
    end = one.note(finished(7), later(6))

    assert [each.stage for each in first] == [Stage.NEWS, Stage.OPENED]
    assert second == []
    assert [each.stage for each in end] == [Stage.CLOSED]


def test_an_end_before_the_first_look_is_told_as_such():
    """Its beginning was told by an earlier life."""
    assert [each[2] for each in play(core(), finished())] == [
        "account 1: an enforcement of before the start is finished"
    ]


def test_the_end_of_a_lockout_waits_for_the_digest():
    """It ends as it was said to."""
    released = LockoutReleased(
        at=NOW, cause="x", account=1, rule="RULE-003", scope="account", released_by="reset"
    )

    assert play(core(), released) == []


# --- what appears under a lock ---


def appeared():
    return ExposureUnderLock(
        at=NOW,
        cause="x",
        account=1,
        appeared="position CON.F.US.MNQ.Z25 1",
        rules_skipped=1,
        lockout=LOCK,
        attempt=1,
    )


def confirmed():
    return FlatConfirmed(
        at=NOW,
        cause="x",
        account=1,
        enforcement_id="1/e1",
        targets=(FlatAccount(),),
        read_at=NOW,
        positions=(),
        orders=(),
        waves=1,
    )


def narrowed():
    return EnforcementNarrowed(
        at=NOW, cause="x", account=1, enforcement_id="1/e1", targets=(), lockouts=()
    )


def calmed(one, at, *accounts):
    """Return what is told of the end of re-entries at a look."""
    said = one.look(system(*accounts), later(at))
    return [each for each in said if "nothing more appears" in each.title]


LATE = EnforcementStatus(since=NOW, targets=(), flat_confirmed=False, deadline_at=later(-1))


@pytest.mark.parametrize(
    "shown",
    [
        (account(phase=Phase.LOCKED, enforcement=LATE, positions=HELD, lockouts=(LOCK,)),),
        (account(health=Health.STALE, health_reason="stream lost", lockouts=(LOCK,)),),
        (),
    ],
    ids=["not flat yet", "stale", "no answer"],
)
def test_re_entries_are_not_over_before_all_is_seen_to_be_settled(shown):
    """A broker that does not close, or a stream that tells nothing, is no calm."""
    one = core()
    one.note(appeared(), NOW)

    assert [calmed(one, at, *shown) for at in (300, 3600)] == [[], []]
    assert len(calmed(one, 3605, account(lockouts=(LOCK,)))) == 1


@pytest.mark.parametrize(
    ("events", "became"),
    [
        ([appeared(), confirmed()], "each was closed or cancelled, as the broker confirms"),
        ([appeared(), confirmed(), appeared(), narrowed(), confirmed()], "NOT confirmed"),
        ([appeared(), narrowed(), appeared(), confirmed()], "NOT confirmed"),
        ([appeared(), confirmed(), appeared()], "NOT confirmed"),
    ],
    ids=["closed", "its lock ended first", "the first one's did", "not again"],
)
def test_re_entries_are_called_closed_only_if_the_broker_has_confirmed_it(events, became):
    """Of each of them, for an end that comforts is not looked at again."""
    one = core()
    for event in events:
        one.note(event, NOW)
    (end,) = calmed(one, 300, account())

    assert became in end.lines[0]


# --- alarms ---


def alarm(code, of=None):
    return AlarmRaised(at=NOW, cause="x", account=of, code=code, text="why")


@pytest.mark.parametrize(("quiet_s", "told"), [(1799, 0), (1800, 1)])
def test_the_same_alarm_is_told_anew_after_half_an_hour_of_quiet(quiet_s, told):
    """Counted from the last one, told or not."""
    one = core()
    one.note(alarm(AlarmCode.DEAD_LETTER), NOW)
    one.note(alarm(AlarmCode.DEAD_LETTER), later(600))

    assert len(one.note(alarm(AlarmCode.DEAD_LETTER), later(600 + quiet_s))) == told


@pytest.mark.parametrize(
    ("code", "first", "second", "again"),
    [
        (
            AlarmCode.LOGIN_FAILED,
            "login one: refused; trying again",
            "login two: refused; trying again",
            "login two: refused; trying again",
        ),
        (
            AlarmCode.ACTOR_DOWN,
            "account/1 failed 3 times in a row, last with ValueError: tried in 1.0 s",
            "account/2 failed 3 times in a row, last with ValueError: tried in 1.0 s",
            "account/2 failed 4 times in a row, last with ValueError: tried in 2.0 s",
        ),
        (
            AlarmCode.ACCOUNT_UNGUARDED,
            "1 of login desk is NOT guarded: gone",
            "2 of login desk is NOT guarded: gone",
            "2 of login desk is NOT guarded: gone",
        ),
        (
            AlarmCode.ALERT_CHANNEL_FAILED,
            "alert channel one (json) fails: HTTP 503",
            "alert channel two (json) fails: HTTP 503",
            "alert channel two (json) fails: HTTP 404",
        ),
    ],
)
def test_the_alarm_of_another_is_not_the_same_again(code, first, second, again):
    """Where no account is named the words say whose it is; whoever it is, once is enough."""
    one = core()
    raised = [
        AlarmRaised(at=NOW, cause="x", account=None, code=code, text=each)
        for each in (first, second, again)
    ]
    told = [one.note(each, later(300 * n)) for n, each in enumerate(raised)]

    assert [len(each) for each in told] == [1, 1, 0]
    assert told[1][0].lines == (second,)


def test_what_something_else_tells_already_is_not_told_twice():
    """The deadline that passed says that it is not flat."""
    one = core()

    assert one.note(alarm(AlarmCode.FLAT_NOT_CONFIRMED, 1), NOW) == []
    assert one.look(system(account()), later(7200))[1:] == []


# --- who is not protected ---


def stale(number=1, **more):
    return account(number, health=Health.STALE, health_reason="stream lost", **more)


def stages(standing, *looks):
    """Return what is told at each look: (seconds, status)."""
    return [
        [(each.severity, each.stage) for each in standing.look(status, later(at))]
        for at, status in looks
    ]


@pytest.mark.parametrize(("seconds", "told"), [(14.9, []), (15, [(WARNING, Stage.OPENED)])])
def test_it_is_told_exactly_when_it_has_lasted(seconds, told):
    """A moment of reconnecting is nobody's business."""
    standing = Standing(Names(), PATIENCE)

    assert stages(standing, (0, system(stale())), (seconds, system(stale()))) == [[], told]


def test_flapping_is_one_episode():
    """It is over only after a calm minute."""
    well, wrong = system(account()), system(stale())
    looks = [(0, wrong), (15, wrong), (20, well), (70, wrong), (75, well), (134, well), (135, well)]
    told = stages(Standing(Names(), PATIENCE), *looks)

    assert told == [[], [(WARNING, Stage.OPENED)], [], [], [], [], [(WARNING, Stage.CLOSED)]]


def test_it_is_told_again_when_it_becomes_grave():
    """Unprotected and flat is one thing, with a position another."""
    looks = [(0, stale()), (15, stale()), (20, stale(positions=HELD)), (25, stale(positions=HELD))]
    told = stages(Standing(Names(), PATIENCE), *((at, system(each)) for at, each in looks))

    assert told == [[], [(WARNING, Stage.OPENED)], [(CRITICAL, Stage.GREW)], []]


CAVEAT = {"caveats": ("its calendar has ended",)}


def test_a_moments_loss_is_not_told_because_something_lasting_is_not_either():
    """The calendar has ended for days; that does not make five seconds of reconnecting long."""
    looks = [(at, system(stale(**CAVEAT) if at == 300 else account(**CAVEAT))) for at in (0, 300)]
    told = stages(Standing(Names(), PATIENCE), *looks, (305, system(account(**CAVEAT))))

    assert told == [[], [], []]


@pytest.mark.parametrize("held", [(), HELD], ids=["flat", "with a position"])
@pytest.mark.parametrize("lasting", [{}, CAVEAT, {"enforcement": LATE}])
def test_every_loss_of_protection_is_told_with_its_end_whatever_else_is_wrong(held, lasting):
    """Neither what an alarm told long ago nor a loss that is over swallows the next one."""
    well, lost = system(account(**lasting)), system(stale(positions=held, **lasting))
    looks = [(0, lost), (15, lost), (60, well), (120, well), (1800, lost), (1815, lost)]
    told = stages(Standing(Names(), PATIENCE), *looks)

    severity = CRITICAL if held else WARNING
    opened, closed = [(severity, Stage.OPENED)], [(severity, Stage.CLOSED)]
    assert told == [[], opened, [], closed, [], opened]


@pytest.mark.parametrize(
    ("lasting", "end"),
    [
        ({}, ("account 1: protected again", "account 1 after 1 min 00 s")),
        (
            CAVEAT,
            (
                "account 1: over, but still NOT PROTECTED",
                "account 1 after 1 min 00 s",
                "still: account 1 its calendar has ended",
            ),
        ),
    ],
    ids=["well", "calendar"],
)
def test_an_end_says_that_it_is_protected_again_only_if_it_is(lasting, end):
    """Else what is still wrong, although something else has told it."""
    standing = Standing(Names(), PATIENCE)
    for at, each in ((0, stale(**lasting)), (15, stale(**lasting)), (60, account(**lasting))):
        standing.look(system(each), later(at))
    (said,) = standing.look(system(account(**lasting)), later(120))

    assert (said.title, *said.lines) == end


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (system(account(), unanswered=(2,)), "account 2 DOES NOT ANSWER"),
        (system(account(), unrecorded=3), "JOURNAL: events that are not on disk: 3"),
        (system(account(), unrecorded=None), "JOURNAL: events that are not on disk: it does not"),
        (system(), "NO ACCOUNT is guarded"),
        (system(account(), down=("rule/RULE-003",)), "rule/RULE-003 IS DOWN until the next try"),
        (None, "nobody can say how the accounts stand"),
    ],
)
def test_what_is_not_known_is_critical(status, line):
    """Unknown is never safe."""
    standing = Standing(Names(), PATIENCE)
    standing.look(status, NOW)
    (said,) = standing.look(status, later(15))

    assert said.severity is CRITICAL
    assert said.lines[0].startswith(line)
    assert not standing.well
    assert line in standing.complaint


def test_what_is_wrong_from_the_start_hides_nothing_that_goes_wrong_later():
    """An account that is only watched is one thing, a journal that hangs another, each with its end."""
    watched = account(shadow=True)
    well, wrong = system(watched), system(watched, unrecorded=None)
    looks = [(0, well), (15, well), (3600, wrong), (3614, wrong), (3615, wrong), (3620, well)]
    standing = Standing(Names(), PATIENCE)
    told = stages(standing, *looks)

    opened, over = [(CRITICAL, Stage.OPENED)], [(CRITICAL, Stage.CLOSED)]
    assert told == [[], opened, [], [], opened, []]
    (end,) = standing.look(well, later(3680))
    assert [(end.severity, end.stage)] == over
    assert end.title == "System: over, but the system is still NOT PROTECTED"


def test_being_only_watched_is_told_and_silences_no_switch():
    """Somebody chose it: the switch goes on hearing that all else is well, and that it is so."""
    watched = account(shadow=True)
    standing = Standing(Names(), PATIENCE)
    assert stages(standing, (0, system(watched)), (15, system(watched))) == [
        [],
        [(CRITICAL, Stage.OPENED)],
    ]
    assert standing.complaint == ""
    assert "SHADOW: 1 of 1 accounts are only watched" in standing.well

    standing.look(system(watched, unrecorded=None), later(20))
    assert standing.well == ""
    standing.look(system(watched, unrecorded=None), later(40))
    assert standing.complaint.startswith("JOURNAL")


def test_what_is_not_known_ends_nothing():
    """An account that was stale is not protected again because nobody can say how it stands."""
    standing = Standing(Names(), PATIENCE)
    told = stages(standing, (0, system(stale())), (15, system(stale())), (20, None), (95, None))

    assert told == [[], [(WARNING, Stage.OPENED)], [], [(CRITICAL, Stage.OPENED)]]


def test_what_only_starts_is_given_a_minute():
    """Hundreds of accounts take a while to come up."""
    standing = Standing(Names(), PATIENCE)
    coming = system(account(starting="waiting for the first snapshot"))

    assert stages(standing, (0, coming), (59, coming)) == [[], []]
    assert not standing.well
    assert standing.complaint == ""
    assert len(standing.look(coming, later(60))) == 1


@pytest.mark.parametrize(
    "status",
    [
        account(caveats=("the calendar has ended",)),
        account(
            enforcement=EnforcementStatus(
                since=NOW, targets=(), flat_confirmed=False, deadline_at=later(-1)
            )
        ),
    ],
    ids=["calendar", "not flat in time"],
)
def test_what_an_alarm_or_a_breach_tells_already_only_fails_the_heartbeat(status):
    """One alert an episode."""
    standing = Standing(Names(), PATIENCE)

    assert stages(standing, (0, system(status)), (15, system(status)), (30, system(status))) == [
        [],
        [],
        [],
    ]
    assert not standing.well
    assert standing.complaint != ""


# --- limits ---


@pytest.mark.parametrize(
    ("used", "told"),
    [
        (use("399.99", 500), False),
        (use(400, 500), True),
        (use(499, 500), True),
        (use(500, 500), False),
        (use(3, 5, "contracts"), False),
        (use(4, 5, "contracts"), True),
        (use(3, 4, "contracts"), False),
        (use(7, 10, "contracts"), False),
        (use(8, 10, "contracts"), True),
        (use(10, 10, "contracts"), True),
        (use(2, 2, "contracts"), False),
        (use(8, 10, "trades"), True),
    ],
    ids=lambda each: "" if isinstance(each, bool) else f"{each.value} of {each.limit} {each.unit}",
)
def test_a_limit_is_warned_of_from_its_share_on(used, told):
    """What is used up altogether is told by its breach; of few contracts there is no step before."""
    limits = Limits(Names(), Decimal("0.8"))

    assert len(limits.look([account(limits=(used,))], NOW)) == told


def test_a_limit_is_warned_of_once_a_day_and_each_by_itself():
    """Of the same account another one, and tomorrow the same again."""
    limits = Limits(Names(), Decimal("0.8"))
    loss, size = use(450, 500), use(9, 10, "contracts", rule="RULE-001", what="contracts (net)")

    said = [
        limits.look([account(limits=each, trading_date=day)], NOW)
        for day, each in (
            ("2025-10-29", (loss,)),
            ("2025-10-29", (use(100, 500),)),
            ("2025-10-29", (loss, size)),
            ("2025-10-30", (loss,)),
        )
    ]

    assert [len(each) for each in said] == [1, 0, 1, 1]
    assert said[2][0].title == "account 1: 90 % of RULE-001: contracts (net) 9 of 10"


def test_many_limits_are_one_warning_and_a_target_is_good_news():
    """Of what is seen at one look."""
    limits = Limits(Names(), Decimal("0.8"))
    many = limits.look([account(each, limits=(use(450, 500),)) for each in range(1, 21)], NOW)
    target = limits.look([account(30, limits=(use(450, 500, target=True),))], NOW)

    assert [each.title for each in many] == ["20 limits are nearly used up"]
    assert many[0].lines[-1] == "and 5 more"
    assert [each.severity for each in target] == [INFO]


def test_what_is_nearly_used_up_at_the_start_is_told_with_the_start():
    """No storm, however many there are."""
    one = core()
    first = one.look(system(account(limits=(use(450, 500),))), NOW)
    second = one.look(system(account(limits=(use(460, 500),))), later(5))

    assert [each.lines for each in first] == [
        ("50K-1 (1): 90 % of RULE-003: day's loss $450.00 of $500.00",)
    ]
    assert second == []


def test_the_first_notice_does_not_say_that_the_watched_are_guarded():
    """Nothing of theirs is closed."""
    (mixed,) = core().look(system(account(), account(2, shadow=True)), NOW)
    (shadow,) = core().look(system(account(shadow=True)), NOW)

    assert mixed.title == "Lockstep 0.1.0 guards 1 account; 1 of 2 is only watched (SHADOW)"
    assert shadow.title == "Lockstep 0.1.0 GUARDS NO ACCOUNT; 1 of 1 is only watched (SHADOW)"


def test_the_first_notice_waits_for_the_accounts_but_not_for_ever():
    """One that never comes up is named."""
    one = core()
    coming = system(account(), unanswered=(2,))

    assert one.look(coming, NOW) == []
    assert one.look(coming, later(60))[0].title == "Lockstep 0.1.0 guards 2 accounts"
