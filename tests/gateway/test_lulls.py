"""Contracts that are silent are asked for again, ever more rarely while that changes nothing."""

import pytest

from actors.gateway.lulls import FIRST_S, LONGEST_S, Lulls
from tests.gateway.support import MES, MNQ


def played(quotes, until):
    """Return when MNQ is asked for again, looked at each second; `quotes` are the seconds of quotes."""
    lulls, asked, latest = Lulls(), [], None
    for now in range(until + 1):
        if now in quotes:
            latest = object()
        if lulls.overlong({MNQ: latest}, float(now)):
            asked.append(now)
    return asked


def test_what_is_quoted_now_and_then_is_left_alone():
    """A look finds a new quote before it has been silent for long."""
    assert played(range(0, 600, 14), until=600) == []


def test_what_was_never_quoted_is_asked_for_more_and_more_rarely():
    """Its market may be closed for days."""
    asked = played((), until=1500)

    pauses = [after - before for before, after in zip([0, *asked], asked, strict=False)]
    assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]


def test_the_answer_to_asking_alone_does_not_begin_anew():
    """A subscription is answered with the whole quote, in a closed market too."""
    assert played({16, 47, 108}, until=230) == [15, 46, 107, 228]


def test_who_is_quoted_for_long_and_falls_silent_is_asked_for_as_the_first_time():
    """The patience that grew is gone."""
    assert played(range(20, 100), until=120) == [15, 99 + FIRST_S]


def test_each_contract_has_a_silence_of_its_own():
    """And what is not subscribed has none."""
    lulls = Lulls()
    lulls.overlong({MNQ: None, MES: None}, 0.0)
    lulls.overlong({MNQ: None, MES: object()}, 14.0)

    assert lulls.overlong({MNQ: None, MES: None}, 15.0) == (MNQ,)


@pytest.mark.parametrize(("away_s", "then_s"), [(60, 2 * FIRST_S), (2 * LONGEST_S + 2, FIRST_S)])
def test_what_was_subscribed_elsewhere_meanwhile_has_its_time_again(away_s, then_s):
    """From then on, as patiently as before: two silent logins would alternate for ever."""
    lulls, quote = Lulls(), object()
    lulls.overlong({MNQ: quote}, 0.0)
    assert lulls.overlong({MNQ: quote}, FIRST_S) == (MNQ,)

    back = FIRST_S + away_s
    for now in range(int(FIRST_S) + 1, int(back)):
        assert lulls.overlong({}, float(now)) == ()
    lulls.overlong({MNQ: quote}, back)

    assert lulls.overlong({MNQ: quote}, back + then_s - 1) == ()
    assert lulls.overlong({MNQ: quote}, back + then_s) == (MNQ,)


def test_what_nobody_holds_any_more_is_forgotten():
    """Contracts expire, the process goes on."""
    lulls = Lulls()
    lulls.overlong({MNQ: None}, 0.0)
    lulls.overlong({}, 2 * LONGEST_S + 1)

    assert not lulls._lulls
