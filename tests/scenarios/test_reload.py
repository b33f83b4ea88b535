"""A changed configuration on a running system: S-71, S-110, I9; stricter at once, looser at the reset."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from actors.reloading import ReloadRefusedError
from config.errors import ConfigError
from messages.commands import CloseContract
from messages.events import (
    AccountGuarded,
    AlarmRaised,
    DayReset,
    LockoutReleased,
    RuleBreached,
    RulesAdopted,
)
from messages.values import AlarmCode, Health, Phase
from tests.rig import HEAD, A, B, Rig, config_of, contract

RESET = datetime(2025, 10, 29, 22, 0, tzinfo=UTC)
"""The next one: 17:00 in Chicago."""
MORNING = {"start": "08:00", "end": "14:00"}
LATER = {"start": "09:00", "end": "16:00"}


def loss(limit, **more):
    return config_of(daily_realized_loss={"max_loss_usd": limit}, **more)


def write(run, text):
    run.system.config.path.write_text(text)


def reload(run, text):
    write(run, text)
    done = run.system.reload(run.system.config.path)
    run.settle()
    assert done.unanswered == ()
    return next(each for each in done.accounts if each.account == A)


def restarted(run):
    """Stop the system and start it again on the same journal, broker and configuration file."""
    run.stop()
    path = run.folder / "lockstep.toml"
    return Rig(run.folder, path.read_text(), broker=run.broker)


def rules_of(run, account=A):
    return [(each.rule, each.parameters) for each in run.events(RulesAdopted, account)[-1].rules]


# --- stricter at once ---------------------------------------------------------------------------


def test_a_lower_limit_applies_at_once_and_is_enforced_at_once(rig):
    """A day at -300 is within 500; the file says 250: flat and locked in the turn that adopts it."""
    run = rig(loss(500))
    run.order(A, "MNQ", 2)
    run.fill(A, "-300")
    assert run.status().phase is Phase.OPEN

    done = reload(run, loss(250))

    assert done.applied == ("RULE-003 max_loss_usd 500 → 250",)
    assert done.queued == run.status().queued == ()
    assert len(run.commands(CloseContract)) == 1
    assert run.held() == {}
    assert [(lock.rule, lock.until) for lock in run.status().lockouts] == [("RULE-003", RESET)]
    assert run.status(B).phase is Phase.OPEN


def test_a_rule_that_is_new_in_the_file_is_in_force_at_once(rig):
    """Nobody capped the size before; now three are one too many."""
    run = rig(loss(500))
    run.order(A, "MNQ", 3)

    done = reload(run, loss(500, max_contracts={"limit": 2}))

    assert [line.split(":")[0] for line in done.applied] == ["RULE-001 on"]
    assert run.held() == {contract("MNQ"): 2}


def test_a_new_clock_rule_sweeps_at_its_bell(rig):
    """Hours that come with a reload are kept by the clock alone."""
    run = rig(loss(500))
    run.order(A, "MNQ", 1)

    reload(run, loss(500, session_block_outside=MORNING))
    assert run.held() == {contract("MNQ"): 1}
    run.at(datetime(2025, 10, 29, 19, 0, tzinfo=UTC))

    assert run.held() == {}


def test_a_rule_with_open_loss_that_is_new_watches_the_quotes(rig):
    """Nothing looked at quotes before; from the reload on their age is watched."""
    run = rig(config_of(max_contracts={"limit": 9}))
    run.price("MNQ", "26000")
    run.order(A, "MNQ", 1)

    run.advance(60)
    run.price("MNQ", "26000")

    reload(run, loss(500))
    assert run.status().health is Health.LIVE
    run.advance(10)
    assert run.status().health is Health.STALE
    run.price("MNQ", "25750")
    run.advance(0.5)  # nearly one per cent at once is doubted for so long

    assert [each.breach.rule for each in run.events(RuleBreached)] == ["RULE-003"]


def test_a_loss_of_before_the_reload_is_judged_by_the_new_tiers(rig):
    """A cooldown that the new file asks for and that would still run, runs."""
    run = rig(config_of(cooldown_after_loss={"tiers": [{"loss_usd": 900, "cooldown_s": 300}]}))
    run.fill(A, "-150")
    run.advance(100)

    reload(run, config_of(cooldown_after_loss={}))

    (lock,) = run.status().lockouts
    assert lock.until - run.clock.now() == timedelta(seconds=200)


# --- looser at the reset ------------------------------------------------------------------------


def test_a_higher_limit_waits_for_the_reset_and_is_shown_as_queued(rig):
    """S-71: at -500 the old limit still locks; the next day -500 is allowed and -800 is not."""
    run = rig(loss(500))
    waits = ("RULE-003 max_loss_usd 500 → 800 at the reset",)

    done = reload(run, loss(800))
    assert (done.applied, done.queued) == ((), waits)
    assert run.status().queued == waits
    run.fill(A, "-500")
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]

    run.at(RESET)
    assert run.status().queued == ()
    assert run.status().phase is Phase.OPEN
    run.fill(A, "-500")
    assert run.status().phase is Phase.OPEN
    run.fill(A, "-300")
    assert run.status().phase is Phase.LOCKED


def test_the_old_limit_holds_to_the_last_moment_before_the_reset(rig):
    """One millisecond before 17:00 it is still 500."""
    run = rig(loss(500))
    reload(run, loss(800))
    run.at(RESET - timedelta(milliseconds=1))

    run.fill(A, "-500")

    assert [each.breach.limit for each in run.events(RuleBreached)] == [Decimal(-500)]


def test_the_reset_itself_is_one_turn_with_the_new_rules(rig):
    """The journal reads day_reset, rules_adopted, with nothing of the account in between."""
    run = rig(loss(500))
    reload(run, loss(800))
    run.at(RESET)

    events = [each.event for each in run.stored()]
    (place,) = [n for n, each in enumerate(events) if isinstance(each, DayReset) and n > 5]
    adopted = events[place + 1]
    assert isinstance(adopted, RulesAdopted)
    assert adopted.applied == ("RULE-003 max_loss_usd 500 → 800",)
    assert [each.rule for each in adopted.rules] == ["RULE-003"]


def test_a_rule_that_left_the_file_stays_until_the_reset(rig):
    """Deleting a table is the loosest change of all."""
    run = rig(loss(500, max_contracts={"limit": 2}))

    done = reload(run, loss(500))
    assert done.queued == ("RULE-001 off at the reset",)
    run.order(A, "MNQ", 3)
    assert run.held() == {contract("MNQ"): 2}

    run.at(RESET)
    run.order(A, "MNQ", 3)
    assert run.held() == {contract("MNQ"): 5}


def test_switching_a_rule_off_is_like_deleting_it(rig):
    """`enabled = false` waits too."""
    run = rig(loss(500, max_contracts={"limit": 2}))

    done = reload(run, loss(500, max_contracts={"limit": 2, "enabled": False}))

    assert done.queued == ("RULE-001 off at the reset",)


def test_of_a_change_both_ways_each_half_has_its_time(rig):
    """Net 5 becomes gross 9: until the reset neither may be exceeded."""
    run = rig(config_of(max_contracts={"limit": 5}))

    done = reload(run, config_of(max_contracts={"limit": 9, "count": "gross"}))
    assert done.applied == ("RULE-001 count net → gross",)
    assert done.queued == ("RULE-001 limit 5 → 9 at the reset; until then both are judged",)
    run.order(A, "MNQ", 6)
    assert sum(run.held().values()) == 5
    run.order(A, "ES", -5)
    assert sum(map(abs, run.held().values())) == 9

    run.at(RESET)
    run.order(A, "MNQ", 4)
    assert sum(map(abs, run.held().values())) == 9


def test_hours_that_moved_hold_old_and_new_until_the_reset(rig):
    """08-14 becomes 09-16: the old bell still rings at 14:00; the next day only the new one, at 16:00."""
    run = rig(config_of(session_block_outside=MORNING))
    run.order(A, "MNQ", 1)

    reload(run, config_of(session_block_outside=LATER))
    run.at(datetime(2025, 10, 29, 19, 0, tzinfo=UTC))
    assert run.held() == {}
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-009"]

    run.at(datetime(2025, 10, 30, 19, 30, tzinfo=UTC))
    assert run.status().phase is Phase.OPEN
    run.order(A, "MNQ", 1)
    run.at(datetime(2025, 10, 30, 21, 0, tzinfo=UTC))
    assert run.held() == {}


def test_an_account_is_open_only_when_old_and_new_have_judged_it(rig):
    """Two settings of one rule owe two answers: no OPEN in between (the new hours are over already)."""
    run = rig(config_of(session_block_outside=LATER), start=RESET - timedelta(hours=8))
    assert run.status().phase is Phase.OPEN

    reload(run, config_of(session_block_outside={"start": "15:00", "end": "20:00"}))

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-009"]


def test_what_was_queued_and_taken_back_is_not_queued(rig):
    """500 → 800 → 500: nothing waits, and nothing changes at the reset."""
    run = rig(loss(500))
    reload(run, loss(800))

    assert reload(run, loss(500)).queued == ()


def test_a_second_loosening_counts_from_what_is_in_force(rig):
    """500 → 800 → 600: until the reset 500, after it 600."""
    run = rig(loss(500))
    reload(run, loss(800))

    assert reload(run, loss(600)).queued == ("RULE-003 max_loss_usd 500 → 600 at the reset",)
    run.at(RESET)
    run.fill(A, "-599.99")
    assert run.status().phase is Phase.OPEN
    run.fill(A, "-0.01")
    assert run.status().phase is Phase.LOCKED


def test_an_override_changes_its_account_only(rig):
    """S-109 for a reload."""
    run = rig(loss(500))
    run.fill(A, "-300")
    run.fill(B, "-300")

    reload(
        run,
        loss(500)
        + f"\n[[accounts]]\naccount = {B}\n[accounts.rules.daily_realized_loss]\nmax_loss_usd = 250",
    )

    assert run.status(A).phase is Phase.OPEN
    assert run.status(B).phase is Phase.LOCKED


# --- no lockout is touched (I9) -----------------------------------------------------------------


@pytest.mark.parametrize(
    "text", [loss(100_000), loss(1), HEAD, loss(500, cooldown_after_loss={})], ids=str
)
def test_no_reload_ends_or_changes_a_lockout(rig, text):
    """S-71 and S-110: raised, lowered, deleted, joined by another rule: the locks are as they were."""
    run = rig(loss(500, cooldown_after_loss={}))
    run.fill(A, "-550")
    locks = run.status().lockouts
    assert len(locks) == 2

    reload(run, text)

    assert run.status().lockouts == locks
    assert run.events(LockoutReleased) == []
    run.advance(1799.999)
    assert run.status().lockouts == locks
    run.advance(0.001)
    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]


def test_a_position_opened_under_lock_is_closed_whatever_the_file_says(rig):
    """The duty of a lockout does not hang on the rule that set it."""
    run = rig(loss(500))
    run.fill(A, "-550")

    reload(run, HEAD)
    run.order(A, "MNQ", 2)

    assert run.held() == {}


def test_an_enforcement_under_way_is_not_disturbed(rig):
    """A reload while the broker hangs: the lock still comes with the deadline."""
    run = rig(loss(500))
    run.order(A, "MNQ", 1)
    run.broker.hanging[A] = False
    run.fill(A, "-550")
    assert run.status().phase is Phase.ENFORCING

    reload(run, loss(9000))
    run.advance(5)

    assert [lock.rule for lock in run.status().lockouts] == ["RULE-003"]


# --- a restart is no way around it --------------------------------------------------------------


def test_a_restart_with_a_looser_file_loosens_nothing(rig):
    """Stop, edit, start: on the same trading day the old limit is in force, and shown as such."""
    run = rig(loss(500))
    run.stop()
    (run.folder / "lockstep.toml").write_text(loss(800))

    again = restarted(run)
    try:
        assert again.status().queued == ("RULE-003 max_loss_usd 500 → 800 at the reset",)
        assert "$500.00" in again.events(AccountGuarded)[-1].rules[0]
        again.fill(A, "-500")
        assert again.status().phase is Phase.LOCKED
    finally:
        again.stop()


def test_a_rule_deleted_while_it_was_down_still_has_its_actor(rig):
    """The journal says it was in force: it is judged until the reset, then gone."""
    run = rig(loss(500, max_contracts={"limit": 2}))
    run.stop()
    (run.folder / "lockstep.toml").write_text(loss(500))

    again = restarted(run)
    try:
        again.order(A, "MNQ", 3)
        assert again.held() == {contract("MNQ"): 2}
        again.at(RESET)
        again.order(A, "MNQ", 1)
        assert again.held() == {contract("MNQ"): 3}
    finally:
        again.stop()


def test_a_restart_after_a_reload_keeps_what_was_queued(rig):
    """500 → 800 by a reload, then a restart: 500 until the reset, 800 after it."""
    run = rig(loss(500))
    reload(run, loss(800))

    again = restarted(run)
    try:
        assert again.status().queued == ("RULE-003 max_loss_usd 500 → 800 at the reset",)
        again.at(RESET)
        assert again.status().queued == ()
        again.fill(A, "-799")
        assert again.status().phase is Phase.OPEN
    finally:
        again.stop()


def test_moved_hours_survive_a_restart_both(rig):
    """What is judged twice is journaled twice."""
    run = rig(config_of(session_block_outside=MORNING))
    reload(run, config_of(session_block_outside=LATER))
    assert len(rules_of(run)) == 2

    again = restarted(run)
    try:
        assert rules_of(again) == rules_of(run)
    finally:
        again.stop()


def test_a_restart_after_the_reset_starts_with_the_file(rig):
    """Down over the reset: yesterday's rules are not today's."""
    run = rig(loss(500))
    run.stop()
    (run.folder / "lockstep.toml").write_text(loss(800))
    run.clock.advance(6 * 3600)

    again = restarted(run)
    try:
        assert again.status().queued == ()
        again.fill(A, "-799")
        assert again.status().phase is Phase.OPEN
    finally:
        again.stop()


def test_an_account_actor_that_is_replaced_has_the_reloaded_rules(rig):
    """After a crash it begins with the configuration in force, not with that of the start."""
    run = rig(loss(500, max_contracts={"limit": 5}))
    reload(run, loss(800, max_contracts={"limit": 2}))

    run.system.directory.tell(f"account/{A}", object())
    run.settle()
    assert run.status().queued == ("RULE-003 max_loss_usd 500 → 800 at the reset",)
    run.order(A, "MNQ", 3)
    assert run.held() == {contract("MNQ"): 2}

    run.at(RESET)
    run.fill(A, "-799")
    assert run.status().phase is Phase.OPEN


def test_a_journaled_rule_this_build_does_not_know_is_told_loudly(rig):
    """Fail closed and loud: an alarm names it, and the file's rules are in force."""
    run = rig(loss(500))
    adopted = run.events(RulesAdopted)[-1]
    run.stop()
    import msgspec

    from actors.journal import Store
    from messages.values import RuleInForce

    alien = (
        RuleInForce(rule="RULE-099", parameters="{}"),
        RuleInForce(rule="RULE-001", parameters='{"limitt":1}'),
        RuleInForce(rule="RULE-013", parameters='{"target_usd":"-1"}'),
    )
    store = Store.open(run.folder / "lockstep.db", clock=run.clock)
    store.append([msgspec.structs.replace(adopted, rules=alien)])
    store.close()

    again = restarted(run)
    try:
        alarms = [
            each.text
            for each in again.events(AlarmRaised)
            if each.code is AlarmCode.RULE_NOT_RESTORED
        ]
        assert [text.split()[0] for text in alarms] == ["RULE-099", "RULE-001", "RULE-013"]
        assert [rule for rule, _ in rules_of(again)] == ["RULE-003"]
        again.fill(A, "-500")
        assert again.status().phase is Phase.LOCKED
    finally:
        again.stop()


# --- what is refused changes nothing ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("what is this", "is not valid TOML"),
        (loss(-5), "max_loss_usd"),
        (loss(5, max_contracts={"limitt": 5}), "limitt: unknown key"),
        (loss(5) + "\n[[accounts]]\naccount = 7", "accounts.7: 7 is not among the guarded"),
        (loss(5).replace('name = "desk"', 'name = "two"'), "logins: has changed; restart"),
        (loss(5).replace('"127.0.0.1:0"', '"127.0.0.1:1"'), "http.listen: has changed; restart"),
        (loss(5) + '\n[trading_day]\nreset = "16:00"', "trading_day.reset: has changed; restart"),
        (loss(5) + '\n[journal]\npath = "other.db"', "journal.path: has changed; restart"),
        (loss(5) + '\n[broker]\napi_url = "http://other/api"', "broker.api_url: has changed"),
        (loss(5) + '\n[money]\npnl = "gross"', "money.pnl: has changed; restart"),
        (loss(5) + "\n[enforcement]\ndeadline_s = 9", "enforcement.deadline_s: has changed"),
    ],
)
def test_a_file_that_cannot_be_used_changes_nothing_and_says_why(rig, text, why):
    """S-110: the old configuration stays, whatever else the new file says."""
    run = rig(loss(500))
    run.fill(A, "-300")
    before = run.system.status()

    with pytest.raises(ConfigError, match=why.replace("[", r"\[")):
        reload(run, text)
    run.settle()

    assert run.system.status() == before
    assert len(run.events(RulesAdopted)) == 1
    run.fill(A, "-200")
    assert run.status().phase is Phase.LOCKED


def test_another_file_than_the_one_it_runs_from_is_refused(rig, tmp_path):
    """The next start would not be from it."""
    run = rig(loss(500))
    other = tmp_path / "other.toml"
    other.write_text(loss(5))

    with pytest.raises(ReloadRefusedError, match="runs from"):
        run.system.reload(other)


def test_a_valid_file_has_a_new_digest_and_a_new_number(rig):
    """S-110: the status says which configuration is in force."""
    run = rig(loss(500))
    first = run.system.status()

    reload(run, loss(400))
    second = run.system.status()

    assert (first.config_version, second.config_version) == (1, 2)
    assert first.config != second.config == run.events(RulesAdopted)[-1].config
