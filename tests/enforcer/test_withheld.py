"""An enforcer whose gateway keeps its commands back (shadow): one wave, one report, and no loop."""

import pytest

from messages.values import CapContract, Done, NotSent, Uncertain, Withheld
from tests.enforcer.test_core import ES, FLAT, MNQ, Bench


@pytest.fixture
def bench():
    return Bench()


def test_it_gives_up_after_the_first_wave_and_says_so(bench):
    """No read follows, no pause, no deadline, no alarm: nothing would become flat by any of it."""
    bench.enforce(MNQ, orders=(7,))
    bench.answer(Withheld(), place=0)
    assert bench.reports == []

    bench.answer(Withheld(), place=1)

    (report,) = bench.reports
    assert (report.withheld, report.flat_confirmed, report.read_at) == (True, False, None)
    assert (report.targets, report.waves) == (FLAT, 1)
    assert (bench.reads, bench.alarms(), bench.wakes) == ([], [], {})


@pytest.mark.parametrize("other", [Done(), NotSent(reason="x"), Uncertain(reason="x")], ids=repr)
def test_one_that_is_kept_back_speaks_for_all(bench, other):
    """An answer that was lost beside it changes nothing: the account is only watched."""
    bench.enforce(MNQ, ES)
    bench.answer(Withheld(), place=0)
    bench.answer(other, place=1)

    assert [each.withheld for each in bench.reports] == [True]
    assert bench.reads == []


def test_what_must_be_read_first_is_read_and_then_given_up(bench):
    """So what would have been closed is known by the contract."""
    bench.enforce(targets=(CapContract(contract=MNQ, size=0),))
    bench.show(held=(MNQ,))
    bench.answer(Withheld())

    assert [each.contract for each in bench.commands] == [MNQ]
    assert [each.withheld for each in bench.reports] == [True]
    assert len(bench.reads) == 1


def test_the_next_one_begins_as_the_first_did(bench):
    """Nothing is left over of what was given up."""
    bench.enforce(MNQ)
    bench.answer(Withheld())

    bench.enforce(MNQ, number="e2")
    bench.answer(Withheld())

    assert bench.sent() == [MNQ, MNQ]
    assert [each.enforcement_id for each in bench.reports] == ["e1", "e2"]
    assert "deadline" not in bench.wakes
