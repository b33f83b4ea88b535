"""An account that should be guarded and cannot be: never left out in silence, nor at the others' cost."""

from contextlib import closing
from datetime import timedelta

import httpx
import pytest

from actors.journal import Store
from actors.journal.needed import SESSIONS
from actors.locking import LockRequest
from actors.ops.status_table import lines_of, print_status
from config.errors import ConfigError
from messages.commands import OpenSession
from messages.events import AlarmRaised, SessionOpened
from messages.values import AlarmCode, Phase
from tests.rig import NOON, A, B, FakeGateway, config_of, contract

LOSS = {"daily_realized_loss": {"max_loss_usd": 500, "include_open_loss": False}}
BOTH = config_of(**LOSS).replace('name = "desk"', f'name = "desk"\naccounts = [{A}, "50K-{B}"]')
OWN_LIMIT = f"""
[[accounts]]
account = {B}
[accounts.rules.daily_realized_loss]
max_loss_usd = 100
"""


def without_b(rig, text=BOTH):
    """Stop a run that guarded both, let the broker forget B, and start again."""
    run = rig(text)
    run.stop()
    del run.broker.exchange.accounts[B]
    return rig(text, folder=run.folder, broker=run.broker)


def alarms(run):
    return [
        each.text
        for each in run.testimony.events()
        if isinstance(each, AlarmRaised) and each.code == AlarmCode.ACCOUNT_UNGUARDED
    ]


def ready(run):
    answer = httpx.get(f"{run.system.http.url}/readyz", trust_env=False)
    return answer.status_code, answer.json()["not_ready"]


def test_one_that_has_gone_is_unguarded_and_the_other_is_guarded(rig):
    """Refusing to start for it would leave both without a guard."""
    run = without_b(rig)

    run.order(A, "MNQ", 1)
    run.fill(A, "-500")

    assert run.held(A) == {}
    assert run.status(A).phase is Phase.LOCKED
    (lost,) = run.system.status().unguarded
    assert (lost.account, lost.login) == (f"50K-{B}", "desk")


def test_it_is_said_everywhere(rig, capsys):
    """An alarm, the status, each line of the watch, and not ready for who asks that."""
    run = without_b(rig)

    (alarm,) = alarms(run)
    assert f"50K-{B} of login desk is NOT guarded" in alarm
    code, why = ready(run)
    assert (code, [text for text in why if "UNGUARDED" in text]) == (503, why)
    assert "UNGUARDED" in lines_of(run.system.status())[f"50K-{B}"]
    capsys.readouterr()
    print_status(run.system.status())
    assert f"50K-{B} (desk) is UNGUARDED" in capsys.readouterr().out


def test_limits_of_its_own_do_not_keep_the_others_from_starting_or_reloading(rig):
    """They stay in the file for the day it is back."""
    run = without_b(rig, BOTH + OWN_LIMIT)
    path = run.system.config.path
    path.write_text(path.read_text().replace("max_loss_usd = 500", "max_loss_usd = 50"))

    run.system.reload(path)
    run.settle()
    run.fill(A, "-50")

    assert run.status(A).phase is Phase.LOCKED
    assert len(run.system.status().unguarded) == 1


def test_once_it_is_back_a_start_guards_it(rig):
    """And it is not unguarded any more."""
    run = rig(BOTH)
    run.stop()
    back = run.broker.exchange.accounts.pop(B)
    run = rig(BOTH, folder=run.folder, broker=run.broker)
    run.stop()
    run.broker.exchange.accounts[B] = back

    run = rig(BOTH, folder=run.folder, broker=run.broker)

    assert (run.system.status().unguarded, ready(run)) == ((), (200, []))
    assert run.status(B).phase is Phase.OPEN


def test_a_name_that_was_never_seen_still_refuses_the_start(rig):
    """S-109: a slip of the pen is mended before anything is guarded."""
    run = rig(BOTH)
    run.stop()

    with pytest.raises(ConfigError, match="4711 is no active account"):
        rig(BOTH.replace(str(A), f"{A}, 4711"), folder=run.folder, broker=run.broker)


ALL = config_of(**LOSS)
RESETS = [NOON.replace(hour=22) + timedelta(days=days) for days in range(3)]
"""Those after the start of a test: 17:00 in Chicago, that week still in summer time."""


def again(rig, run, text=ALL):
    """Stop it and start anew."""
    run.stop()
    return rig(text, folder=run.folder, broker=run.broker)


def test_one_of_all_that_has_gone_is_shown_for_three_resets(rig):
    """With `*` nobody can know whether it is missed: closed by the firm, or hidden while in a trade."""
    run = without_b(rig, ALL)

    (lost,) = run.system.status().unguarded
    assert (lost.account, lost.login, lost.until) == (f"{B} 50K-{B}", "desk", RESETS[-1])
    (alarm,) = alarms(run)
    assert "2025-10-31 22:00 UTC" in alarm
    assert ready(run)[0] == 503
    run.at(RESETS[-1] - timedelta(seconds=1))
    assert len(run.system.status().unguarded) == 1
    run.at(RESETS[-1])
    assert (run.system.status().unguarded, ready(run)) == ((), (200, []))
    assert again(rig, run).system.status().unguarded == ()


def test_restarts_neither_hide_nor_prolong_that_one_is_missed(rig):
    """It counts from the first start that missed it, however many sessions are remembered since."""
    run = without_b(rig, ALL)
    run.at(RESETS[0])
    run = again(rig, run)
    assert [each.until for each in run.system.status().unguarded] == [RESETS[-1]]
    run.at(RESETS[-1] + timedelta(hours=1))

    run = again(rig, run)

    assert (run.system.status().unguarded, alarms(run)) == ((), [])
    assert again(rig, run).system.status().unguarded == ()


def test_one_that_is_missed_is_acknowledged_by_naming_who_is_to_be_guarded(rig):
    """Then it is known who is meant."""
    run = without_b(rig, ALL)

    run = again(rig, run, ALL.replace('name = "desk"', f'name = "desk"\naccounts = [{A}]'))

    assert (run.system.status().unguarded, ready(run)) == ((), (200, []))


def test_one_that_is_missed_and_comes_back_is_guarded_by_the_next_start(rig):
    """Until then it is shown with what to do."""
    run = rig(ALL)
    run.stop()
    back = run.broker.exchange.accounts.pop(B)
    run = again(rig, run)
    run.broker.exchange.accounts[B] = back
    run.system.note_listed("desk", {A: f"50K-{A}", B: f"50K-{B}"})

    (lost,) = run.system.status().unguarded
    assert (lost.account, "start anew" in lost.reason) == (f"{B} 50K-{B}", True)
    run = again(rig, run)
    assert (run.system.status().unguarded, run.status(B).phase) == ((), Phase.OPEN)


def test_one_that_is_named_and_comes_back_is_shown_with_what_to_do(rig):
    """Not twice, and not as gone any more."""
    run = without_b(rig)
    run.system.note_listed("desk", {A: f"50K-{A}", B: f"50K-{B}"})

    (lost,) = run.system.status().unguarded
    assert "start anew" in lost.reason


def test_a_new_one_that_nobody_means_is_no_hole(rig):
    """Only who is named is to be guarded."""
    run = rig(BOTH)
    run.system.note_listed("desk", {A: f"50K-{A}", B: f"50K-{B}", 4711: "OTHER"})

    assert (run.system.status().unguarded, ready(run)) == ((), (200, []))


class HalfReadable(FakeGateway):
    """A gateway that cannot understand one record of the list."""

    def on_receive(self, message):
        answer = super().on_receive(message)
        if not isinstance(message, OpenSession):
            return answer
        return SessionOpened(
            at=answer.at,
            cause=answer.cause,
            login=answer.login,
            accounts=answer.accounts,
            unreadable=("name is 5: expected text",),
        )


def test_one_whose_record_cannot_be_understood_is_unguarded(rig):
    """With `*` too: it may be active, and nobody would look at it."""
    run = rig(config_of(**LOSS), gateway=HalfReadable)

    (lost,) = run.system.status().unguarded
    assert (lost.account, "name is 5" in lost.reason) == ("unknown", True)
    assert len(alarms(run)) == 1
    assert ready(run)[0] == 503
    assert run.status(A).phase is Phase.OPEN


def test_limits_written_for_a_name_that_was_changed_are_not_dropped_in_silence(rig):
    """The account is there still, and would be guarded by looser limits than its own."""
    text = config_of(**LOSS)
    own = OWN_LIMIT.replace(str(B), f'"50K-{B}"')
    run = rig(text + own)
    run.stop()
    run.broker.exchange.accounts[B].name = "50K-NEW"

    with pytest.raises(ConfigError, match=f"'50K-{B}' is not among the guarded accounts"):
        rig(text + own, folder=run.folder, broker=run.broker)


def test_one_named_by_a_name_that_was_changed_is_unguarded_at_nobodys_cost(rig):
    """Its own limits bind nobody wrongly: it is not guarded, and that is said."""
    own = OWN_LIMIT.replace(str(B), f'"50K-{B}"')
    run = rig(BOTH + own)
    run.stop()
    run.broker.exchange.accounts[B].name = "50K-NEW"

    run = rig(BOTH + own, folder=run.folder, broker=run.broker)

    assert run.status(A).phase is Phase.OPEN
    (lost,) = run.system.status().unguarded
    assert lost.account == f"50K-{B}"


def test_one_that_has_gone_is_known_however_often_was_started_since(rig):
    """Restarts must not add up to a refusal that leaves the other without a guard."""
    run = without_b(rig)
    run.stop()
    said = [each for each in run.testimony.events() if isinstance(each, SessionOpened)]
    path = run.folder / "lockstep.db"
    with closing(Store.open(path, clock=run.clock)) as store:
        store.append([said[-1]] * SESSIONS)

    run = rig(BOTH, folder=run.folder, broker=run.broker)

    assert run.status(A).phase is Phase.OPEN
    (lost,) = run.system.status().unguarded
    assert lost.account == f"50K-{B}"


ONE = BOTH.replace(f', "50K-{B}"', "")


def locked_and_dropped(rig, for_s):
    """Lock B as its trader asks, then start again from a file that names A only."""
    run = rig(BOTH)
    run.system.lock(LockRequest(account=B, for_s=for_s, reason="a week off"))
    run.settle()
    run.stop()
    return rig(ONE, folder=run.folder, broker=run.broker)


def test_no_edit_of_the_file_is_a_way_out_of_a_lock(rig):
    """Whom it names no more is guarded on, as long as its lock binds, and everybody is told."""
    run = locked_and_dropped(rig, 7 * 86_400)

    run.order(B, "MNQ", 3)

    assert run.held(B) == {}
    assert run.status(B).phase is Phase.LOCKED
    (said,) = [
        each
        for each in run.testimony.events()
        if isinstance(each, AlarmRaised) and each.code == AlarmCode.UNKNOWN_ACCOUNT
    ]
    assert said.account == B
    assert "locked by SELF" in said.text
    assert run.system.reload(run.system.config.path).accounts


def test_a_start_after_the_lock_leaves_an_account_that_is_not_named_alone(rig):
    """Its lock is over: nobody asks for it to be guarded."""
    run = locked_and_dropped(rig, 3_600)
    run.stop()
    run.clock.advance(3_601)

    run = rig(ONE, folder=run.folder, broker=run.broker)
    run.order(B, "MNQ", 3)

    assert run.held(B) == {contract("MNQ"): 3}
    assert [each.account for each in run.system.status().accounts] == [A]
