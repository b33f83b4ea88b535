"""Shadow: everything is judged, journaled and told, nothing is sent, no lock is lost or made by it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest

from actors.journal.incident import timeline_of
from actors.locking import LockRefusedError, LockRequest
from actors.ops.day import lines_of
from actors.ops.status import current_status
from actors.ops.status_table import lines_of as status_lines
from actors.reloading import ReloadRefusedError
from config.errors import ConfigError
from config.loader import load
from messages.base import AccountMessage
from messages.events import (
    AccountGuarded,
    AccountLocked,
    AccountOpened,
    AlarmRaised,
    BrokerCommandAnswered,
    BrokerCommandSent,
    DayReset,
    EnforcementFinished,
    EnforcementStarted,
    EnforcementWithheld,
    ExposureUnderLock,
    FlatConfirmed,
    LockoutReleased,
    RuleBreached,
)
from messages.journal import Recorded
from messages.values import OrderType, Phase, Withheld
from tests.chaos.evidence import Stored
from tests.chaos.walk import AccountWalk
from tests.rig import NOON, TOKENS, A, B, config_of, contract

MNQ = contract("MNQ")
LOSS = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
LOSS_500 = config_of(**LOSS)
AT_MOST_1 = config_of(max_contracts={"limit": 1})
COOLDOWN = config_of(cooldown_after_loss={"tiers": [{"loss_usd": 100, "cooldown_s": 600}]})
A_IN_SHADOW = f"\n[[accounts]]\naccount = {A}\nshadow = true\n"
RESET = NOON + timedelta(hours=5)


@pytest.fixture
def lost(rig):
    """Return a shadow that found the day's loss limit broken while 2 MNQ were held."""
    run = rig(LOSS_500, shadow=True)
    run.order(A, "MNQ", 2)
    run.fill(A, "-500")
    return run


def again(rig, run, text=None, **how):
    """Stop the system and start it on the same journal and broker."""
    run.stop()
    text = text or (run.folder / "lockstep.toml").read_text()
    return rig(text, folder=run.folder, broker=run.broker, **how)


def kinds(run, *of):
    return [type(each.event) for each in run.stored() if type(each.event) in of]


def faults(run):
    """Return what the checker of the chaos runs finds wrong in the journal of account A."""
    walk = AccountWalk(A)
    for each in run.stored():
        if isinstance(each.event, AccountMessage | AlarmRaised):
            walk.take(Stored(each.seq, each.event))
    return [str(each) for each in walk.found]


# --- nothing is sent, everything is told --------------------------------------------------------


def test_a_breach_is_told_to_its_end_and_nothing_is_sent(lost):
    """Intent, command, kept back, would-be lock, finished, in the order of every enforcement."""
    assert (lost.held(), lost.broker.received) == ({MNQ: 2}, [])
    order = (RuleBreached, EnforcementStarted, BrokerCommandSent, BrokerCommandAnswered)
    order += (EnforcementWithheld, AccountLocked, EnforcementFinished)
    assert kinds(lost, *order) == list(order)
    assert [each.outcome for each in lost.events(BrokerCommandAnswered)] == [Withheld()]
    (intent,), (locked,) = lost.events(EnforcementStarted), lost.events(AccountLocked)
    assert (intent.shadow, locked.lockout.shadow, locked.flat_confirmed) == (True, True, False)
    assert lost.events(AlarmRaised) == []
    assert faults(lost) == []


def test_the_status_says_that_it_only_would_be_locked(lost):
    """Phase and lockouts are those of a guard in truth, and say shadow."""
    status = lost.status()

    assert (status.shadow, status.phase, status.enforcement) == (True, Phase.LOCKED, None)
    assert [lock.shadow for lock in status.lockouts] == [True]
    assert "SHADOW locked" in status_lines(lost.system.status())[A]


def test_it_is_told_once_however_long_it_stays(lost):
    """Neither time nor prices nor reads make it be said again, and nothing waits for ever."""
    count = len(lost.stored())

    for price in ("26000", "25990", "26010"):
        lost.price("MNQ", price)
        lost.advance(20)

    assert kinds(lost, EnforcementStarted) == [EnforcementStarted]
    assert len([each for each in lost.stored()[count:] if "shadow" in str(each.event)]) == 0


def test_each_entry_under_a_would_be_lock_is_told_once(lost):
    """As it would be closed each time; what was there before is no entry."""
    lost.order(A, "MNQ", -2)
    lost.order(A, "MNQ", 1)
    lost.advance(30)
    lost.order(A, "MES", 1)
    lost.advance(30)

    assert [each.attempt for each in lost.events(ExposureUnderLock)] == [1, 2]
    assert len(lost.events(EnforcementWithheld)) == 3
    assert lost.broker.received == []
    assert faults(lost) == []


def test_orders_are_kept_as_positions_are(rig):
    """A working order would be cancelled, and is not."""
    run = rig(LOSS_500, shadow=True)
    run.order(A, "MNQ", 1, OrderType.LIMIT, limit=Decimal(20_000))
    run.fill(A, "-500")

    assert (run.working(), run.broker.received) == (1, [])
    assert [each.command for each in run.events(BrokerCommandSent)] == ["cancel_order"]
    assert run.status().phase is Phase.LOCKED


def test_a_flat_account_is_proven_flat_as_in_truth(rig):
    """There is nothing to keep back, so the broker's own answer is the proof."""
    run = rig(LOSS_500, shadow=True)
    run.fill(A, "-500")

    assert kinds(run, FlatConfirmed, EnforcementWithheld) == [FlatConfirmed]
    assert [lock.shadow for lock in run.status().lockouts] == [True]
    assert faults(run) == []


def test_a_limit_without_a_lock_is_told_again_only_when_what_is_held_has_changed(rig):
    """The account stays OPEN, as it would after being closed back."""
    run = rig(AT_MOST_1, shadow=True)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 3)
    run.advance(60)
    assert len(run.events(RuleBreached)) == 1
    assert run.status().phase is Phase.OPEN

    run.order(A, "MNQ", -1)
    run.advance(60)

    assert [each.breach.value for each in run.events(RuleBreached)] == [3, 2]
    assert (run.held(), run.broker.received) == ({MNQ: 2}, [])
    assert faults(run) == []


def test_it_opens_although_a_limit_is_exceeded_from_the_start(rig):
    """What would have been closed back keeps nobody from being judged."""
    run = rig(config_of(), shadow=True)
    run.order(A, "MNQ", 3)

    run = again(rig, run, AT_MOST_1, shadow=True)

    assert run.status().phase is Phase.OPEN
    assert len(run.events(AccountOpened)) == 1
    assert len(run.events(RuleBreached)) == 1


def test_no_new_exposure_is_told_too(rig):
    """An increase under it would be closed back."""
    rule = {"per_minute": 1, "cooldown_s": {"per_minute": 600}}
    run = rig(config_of(trade_frequency_limit=rule), shadow=True)
    run.order(A, "MNQ", 1)
    run.order(A, "MNQ", 1)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-006"]

    run.order(A, "MNQ", 2)
    run.advance(30)

    assert (run.held(), run.broker.received) == ({MNQ: 4}, [])
    assert len(run.events(ExposureUnderLock)) == 1
    assert faults(run) == []


def test_a_stop_that_would_be_moved_stays_and_is_told_once_a_price(rig):
    """RULE-012 wants it again with every quote."""
    rule = {"trailing": {"activate_ticks": 8, "trail_ticks": 8}}
    run = rig(config_of(trade_management=rule), shadow=True)
    run.price("MNQ", "16500")
    run.order(A, "MNQ", 1)
    stop = run.order(A, "MNQ", -1, OrderType.STOP, stop=Decimal(16450))

    for price in ("16510", "16509", "16510", "16509", "16512"):
        for _ in range(30):
            run.price("MNQ", price)
            run.advance(1)

    wanted = [each.stop_price for each in run.events(BrokerCommandSent)]
    assert wanted == [Decimal(16508), Decimal(16510)]
    assert str(run.broker.exchange.accounts[A].orders[stop].stop_price) == "16450"
    assert (run.broker.received, run.events(AlarmRaised)) == ([], [])


def test_only_the_account_that_is_said_to_be_is_in_shadow(rig):
    """Its neighbour at the same login is closed and locked in truth."""
    run = rig(LOSS_500 + A_IN_SHADOW)
    for account in (A, B):
        run.order(account, "MNQ", 2)
        run.fill(account, "-500")

    assert (run.held(A), run.held(B)) == ({MNQ: 2}, {})
    assert [each.account for each in run.broker.received] == [B]
    assert [run.status(each).shadow for each in (A, B)] == [True, False]
    assert [each.shadow for each in run.events(AccountGuarded)] == [True]
    assert [each.shadow for each in run.events(AccountGuarded, B)] == [False]


def test_the_nearest_table_decides(rig):
    """Everybody in shadow by the defaults, but not who is told otherwise."""
    head = LOSS_500.replace("[defaults.rules", "[defaults]\nshadow = true\n[defaults.rules", 1)

    run = rig(head + f"\n[[accounts]]\naccount = {B}\nshadow = false\n")

    assert [run.status(each).shadow for each in (A, B)] == [True, False]
    assert any("SHADOW" in text for text in run.system.config.warnings)


# --- how it ends, and what it may not touch -----------------------------------------------------


def test_a_would_be_lock_ends_by_its_time(rig):
    """As in truth: judged once more, then OPEN."""
    run = rig(COOLDOWN, shadow=True)
    run.order(A, "MNQ", 1)
    run.fill(A, "-100")
    assert run.status().phase is Phase.LOCKED

    run.advance(600)

    assert run.status().phase is Phase.OPEN
    assert [each.released_by for each in run.events(LockoutReleased)] == ["time"]
    assert faults(run) == []


def test_a_would_be_lock_lasts_over_a_restart_in_shadow_and_over_the_reset_its_day_says_so(rig):
    """The journal tells which days were shadow."""
    run = rig(LOSS_500, shadow=True)
    run.order(A, "MNQ", 1)
    run.fill(A, "-500")
    run = again(rig, run, shadow=True)
    assert [lock.shadow for lock in run.status().lockouts] == [True]

    run.at(RESET)
    run.advance(60)

    assert run.status().phase is Phase.OPEN
    assert [each.shadow for each in run.events(DayReset)] == [True]
    assert run.broker.received == []
    assert faults(run) == []


def test_a_lock_born_in_shadow_binds_nobody_once_the_account_is_armed(rig):
    """It ends with a word of its own in the journal, and what is held stays."""
    run = rig(config_of(daily_realized_loss={"max_loss_usd": 50}), shadow=True)
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 1)
    run.price("MNQ", "25970")
    assert [lock.until for lock in run.status().lockouts] == [RESET]
    run.price("MNQ", "26000")

    run = again(rig, run)
    run.advance(30)

    assert (run.held(), run.broker.received) == ({MNQ: 1}, [])
    assert (run.status().phase, run.status().lockouts) == (Phase.OPEN, ())
    assert [each.released_by for each in run.events(LockoutReleased)] == ["armed"]
    assert faults(run) == []


def test_what_is_still_broken_is_enforced_in_truth_once_it_is_armed(rig, lost):
    """The day's loss did not go away: closed and locked at once, by a lock that binds."""
    run = again(rig, lost)

    assert (run.held(), len(run.broker.received)) == ({}, 1)
    assert [(lock.rule, lock.shadow) for lock in run.status().lockouts] == [("RULE-003", False)]
    assert faults(run) == []


def test_a_loss_booked_under_a_would_be_lock_is_judged_once_it_is_armed(rig):
    """Shadow skips it as a lock would, but leaves nothing unjudged behind."""
    run = rig(COOLDOWN, shadow=True)
    run.fill(A, "-100")
    run.advance(300)
    run.fill(A, "-100")

    run = again(rig, run)

    (lock,) = run.status().lockouts
    assert (lock.rule, lock.shadow) == ("RULE-007", False)
    assert lock.until > NOON + timedelta(seconds=600)


def test_what_is_locked_in_truth_is_never_only_watched(rig):
    """Shadow would be a way out of every lock: the start is refused, and the lock binds on."""
    run = rig(LOSS_500)
    run.fill(A, "-500")

    with pytest.raises(ConfigError, match=f"account {A} .*locked by RULE-003 .*without shadow"):
        again(rig, run, shadow=True)
    run = rig(LOSS_500, folder=run.folder, broker=run.broker)
    run.order(A, "MNQ", 1)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_a_key_in_the_file_is_no_way_out_either(rig):
    """Of the account that is locked; its neighbour may be watched."""
    run = rig(LOSS_500)
    run.fill(B, "-500")

    with pytest.raises(ConfigError, match=f"account {B}"):
        again(rig, run, LOSS_500 + A_IN_SHADOW.replace(str(A), str(B)))
    run = rig(LOSS_500 + A_IN_SHADOW, folder=run.folder, broker=run.broker)

    assert [run.status(each).shadow for each in (A, B)] == [True, False]
    assert run.status(B).phase is Phase.LOCKED


def test_an_enforcement_that_is_not_finished_is_never_only_watched(rig):
    """I5: what was begun in truth ends flat and locked, by an armed start alone."""
    run = rig(LOSS_500)
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-500")

    with pytest.raises(ConfigError, match=r"enforcement .* is not finished"):
        again(rig, run, shadow=True)
    run.broker.hanging.clear()
    run = rig(LOSS_500, folder=run.folder, broker=run.broker)
    run.advance(30)

    assert run.held() == {}
    assert run.status().phase is Phase.LOCKED


def test_what_was_locked_in_truth_and_is_over_may_be_watched(rig):
    """Its end passed while nothing ran."""
    run = rig(COOLDOWN)
    run.fill(A, "-100")
    run.stop()
    run.clock.advance(601)

    run = rig(COOLDOWN, folder=run.folder, broker=run.broker, shadow=True)

    assert (run.status().phase, run.status().shadow) == (Phase.OPEN, True)
    assert faults(run) == []


@pytest.mark.parametrize("armed_first", [True, False], ids=["to shadow", "to armed"])
def test_a_reload_neither_arms_nor_disarms(rig, armed_first):
    """Both begin with a start; the refused file changes nothing."""
    first, second = LOSS_500, LOSS_500 + A_IN_SHADOW
    run = rig(first if armed_first else second)
    path = run.system.config.path
    path.write_text(second if armed_first else first)

    with pytest.raises(ReloadRefusedError, match=rf"accounts.{A}.shadow: .*restart"):
        run.system.reload(path)

    assert run.status().shadow is not armed_first


def test_other_changes_are_reloaded_in_shadow(rig):
    """Limits are what one is there to try."""
    run = rig(LOSS_500, shadow=True)
    path = run.system.config.path
    path.write_text(LOSS_500.replace("500", "100"))

    run.system.reload(path)
    run.settle()
    run.fill(A, "-100")

    assert [lock.shadow for lock in run.status().lockouts] == [True]


def test_nobody_locks_himself_out_of_a_shadow(rig):
    """It would be a lock that binds nobody."""
    run = rig(LOSS_500 + A_IN_SHADOW)

    with pytest.raises(LockRefusedError, match="only watched"):
        run.system.lock(LockRequest(account=A, for_s=600, reason="enough"))
    run.system.lock(LockRequest(account=B, for_s=600, reason="enough"))
    run.settle()

    assert [run.status(each).phase for each in (A, B)] == [Phase.OPEN, Phase.LOCKED]


# --- what people read ---------------------------------------------------------------------------


def test_every_line_of_the_day_says_shadow_and_none_that_something_was_done(lost):
    """In `journal show`, from the first line after the account was taken under guard."""
    records = [each for each in lost.stored() if isinstance(each, Recorded)]

    lines = [text for _, text in lines_of(A, NOON.date(), iter(records))]

    guarded = next(place for place, text in enumerate(lines) if "only watched" in text)
    assert all("SHADOW" in text for text in lines[guarded:-1])
    for would in ("would be locked until", "WOULD ENFORCE", "would be closing", "was kept back"):
        assert any(would in text for text in lines), would
    done = re.compile(r"Flattening|\d locked until|ENFORCING|\d: closing")
    assert [text for text in lines if done.search(text)] == []


def test_a_dispute_bundle_says_shadow_too(lost):
    """It is evidence: of what was only pretended it says so, line by line."""
    told = timeline_of(lost.stored()).decode().splitlines()

    sent = [line for line in told if "broker_command_sent" in line or "account_locked" in line]
    assert len(sent) == 2
    assert all("  SHADOW  " in line and "would be" in line for line in sent)


def test_a_stopped_shadow_is_known_as_one_by_its_journal(lost):
    """`status` of what is not running says it too."""
    lost.stop()
    text = (lost.folder / "lockstep.toml").read_text()
    path = lost.folder / "lockstep.toml"
    path.write_text(text.replace(":0", ":9") + f'\n[journal]\npath = "{lost.folder}/lockstep.db"\n')
    status = current_status(load(path, now=NOON, environment=TOKENS), lost.clock, TOKENS)

    assert [each.shadow for each in status.accounts] == [True, True]


def test_what_is_entered_again_after_it_was_flat_is_told_again(rig):
    """In truth it would be closed each time."""
    run = rig(AT_MOST_1, shadow=True)
    run.price("MNQ", "26000")
    for size in (3, -3, 3):
        run.order(A, "MNQ", size)
        run.advance(5)

    assert [each.breach.value for each in run.events(RuleBreached)] == [3, 3]
