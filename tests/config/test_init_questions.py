"""The questions of `init` to somebody with many accounts."""

import io
from pathlib import Path

import pytest

from actors.ops.init import questions
from actors.ops.init.command import next_steps
from actors.ops.init.options import Wanted
from config.firm_profiles import firms
from messages.values import AccountRecord


def asked(monkeypatch, records, *answers):
    """Return the profile of each account after these answers, and that there were no more of them."""
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{each}\n" for each in answers)))
    wanted = questions.profiles(NOBODY, records, firms())
    assert questions.sys.stdin.read() == ""
    return {account: each.key if each else None for account, each in wanted.profiles.items()}


NOBODY = Wanted(max_loss_usd=None, max_contracts=None, profile=None)


def record(account, name):
    return AccountRecord(
        account=account, name=name, can_trade=True, simulated=True, balance_usd=None
    )


MANY = tuple(record(n, f"50KTC-{n}" if n < 305 else f"other-{n}") for n in range(300, 310))


def test_accounts_that_look_alike_are_asked_of_together(monkeypatch):
    """Three hundred accounts are not three hundred questions."""
    chosen = asked(monkeypatch, MANY, "", "topstep_100k")

    assert chosen == {str(n): "topstep_50k" if n < 305 else "topstep_100k" for n in range(300, 310)}


def test_each_of_them_can_still_have_its_own(monkeypatch):
    """What nobody knows is asked again."""
    chosen = asked(monkeypatch, MANY[:5], "nonsense", "each", "none", "", "", "topstep_150k", "")

    assert list(chosen.values()) == [
        None,
        "topstep_50k",
        "topstep_50k",
        "topstep_150k",
        "topstep_50k",
    ]


@pytest.mark.parametrize("count", [1, 4])
def test_a_few_are_asked_of_one_by_one(monkeypatch, count):
    """By id and name, as before."""
    assert len(asked(monkeypatch, MANY[:count], *[""] * count)) == count


def test_the_next_steps_begin_with_the_token_without_which_nobody_can_lock_himself_out():
    """A guard that was started without it has to be started anew for that."""
    steps = "\n".join(next_steps(Path("my.toml")))

    assert 0 < steps.find("export LOCKSTEP_TOKEN=") < steps.find("./run run --config my.toml")
