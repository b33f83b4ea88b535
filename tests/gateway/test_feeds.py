"""Of which login a contract is heard: of one, and of another one as soon as that is lost."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.feeds import RESTED, Feeds
from tests.gateway.support import AT, MES, MNQ

ONE, TWO, THREE = "one", "two", "three"
CONTRACTS = [f"CON.F.US.{name}.Z25" for name in ("ENQ", "EP", "GCE", "M2K", "MYM", "YM")]


def feeds_of(logins, held):
    feeds = Feeds(logins)
    feeds.hold(held)
    return feeds


def shares(feeds):
    return tuple(feeds.heard_by(each) for each in feeds.logins)


def after(seconds):
    return AT + timedelta(seconds=seconds)


def test_every_contract_is_heard_of_one_login():
    """The same for all: that costs less than several."""
    feeds = feeds_of((ONE, TWO, THREE), CONTRACTS)

    assert shares(feeds) == (tuple(CONTRACTS), (), ())
    assert {feeds.of(each) for each in CONTRACTS} == {ONE}


def test_what_is_newly_held_leaves_the_rest_where_it_is():
    """To be subscribed anew costs what is known of a contract."""
    feeds = feeds_of((ONE, TWO), [MES])
    feeds.lose(ONE, AT)
    feeds.find(ONE)
    feeds.lose(TWO, after(1), MNQ)

    feeds.hold([MES, MNQ])

    assert shares(feeds) == ((MNQ,), (MES,))


def test_what_is_newly_held_is_heard_of_one_that_stands():
    """However long ago the other was lost, and however lately this one: it is back."""
    feeds = feeds_of((ONE, TWO), [])
    feeds.lose(ONE, AT)
    feeds.lose(TWO, after(3600))
    feeds.find(TWO)

    feeds.hold([MNQ])

    assert feeds.of(MNQ) == TWO


def test_a_lost_login_s_contracts_are_heard_of_another_one():
    """Of one that stands."""
    feeds = feeds_of((ONE, TWO, THREE), CONTRACTS)

    feeds.lose(ONE, AT)
    assert shares(feeds) == ((), tuple(CONTRACTS), ())
    feeds.lose(TWO, after(3600))

    assert shares(feeds) == ((), (), tuple(CONTRACTS))


def test_where_all_are_lost_who_is_back_first_hears_it():
    """Whoever it is; and the others, back later, take nothing from him."""
    feeds = feeds_of((ONE, TWO, THREE), [MES, MNQ])
    for number, each in enumerate((ONE, TWO, THREE)):
        feeds.lose(each, after(number))

    feeds.find(TWO)
    assert shares(feeds) == ((), (MES, MNQ), ())
    feeds.find(ONE)
    feeds.find(THREE)

    assert shares(feeds) == ((), (MES, MNQ), ())


def test_where_all_are_lost_nothing_goes_to_and_fro():
    """Each says again and again that it is: what is heard of nobody stays, or goes on after a while."""
    feeds, changes = feeds_of((ONE, TWO), [MNQ]), 0
    for second in range(60):
        before = feeds.of(MNQ)
        feeds.lose((ONE, TWO)[second % 2], after(second))
        changes += feeds.of(MNQ) != before

    assert changes == 1


def test_a_loss_of_who_hears_nothing_counts_too():
    """What others lose is not given to him."""
    feeds = feeds_of((ONE, TWO, THREE), [MNQ])
    feeds.lose(TWO, AT)

    feeds.lose(ONE, after(3600))

    assert feeds.of(MNQ) == THREE


def test_who_is_reset_for_a_moment_keeps_it_where_all_others_are_down():
    """Their next attempt may fail, and be made only in 15 s."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.lose(ONE, AT)
    feeds.lose(TWO, after(8))
    feeds.find(TWO)

    assert feeds.of(MNQ) == TWO
    feeds.lose(TWO, after(20))  # long after the other one: that is tried
    feeds.find(TWO)

    assert feeds.of(MNQ) == TWO


def test_a_single_login_hears_everything_whatever_becomes_of_it():
    """There is no other."""
    feeds = feeds_of((ONE,), [MES, MNQ])
    feeds.lose(ONE, AT)
    feeds.lose(ONE, AT, MNQ)
    feeds.leave(ONE, AT)
    feeds.pass_on(ONE, MNQ, AT)

    assert shares(feeds) == ((MES, MNQ),)


def test_a_refused_contract_is_heard_of_another_login():
    """That one alone; and it does not come back to who was refused it, until he may hear it."""
    feeds = feeds_of((ONE, TWO), [MES, MNQ])

    feeds.lose(ONE, AT, MNQ)

    assert shares(feeds) == ((MES,), (MNQ,))
    feeds.hold([MES])
    feeds.hold([MES, MNQ])
    assert shares(feeds) == ((MES,), (MNQ,))
    feeds.find(ONE)
    feeds.hold([MES])
    feeds.hold([MES, MNQ])
    assert shares(feeds) == ((MES,), (MNQ,))
    feeds.find(ONE, MNQ)
    feeds.lose(TWO, AT)
    assert shares(feeds) == ((MES, MNQ), ())


def test_what_a_login_was_refused_counts_until_it_is_down():
    """Its next connection may not be refused it, and would never say so: it was not refused it before."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.lose(ONE, AT, MNQ)
    feeds.lose(ONE, after(60))
    feeds.find(ONE)

    feeds.pass_on(TWO, MNQ, after(3600))

    assert feeds.of(MNQ) == ONE


def test_who_blips_gets_back_what_the_other_is_refused():
    """And what goes to that one meanwhile comes back as soon as it stands again."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.lose(ONE, AT, MNQ)
    feeds.lose(TWO, after(14))
    feeds.lose(ONE, after(14.1), MNQ)
    feeds.find(TWO)

    assert feeds.of(MNQ) == TWO


def test_a_contract_refused_everywhere_is_tried_everywhere_now_and_then():
    """One login may allow it again and not the other; but not as fast as they refuse."""
    feeds, changes = feeds_of((ONE, TWO), [MNQ]), []
    for tenth in range(600):
        before = feeds.of(MNQ)
        feeds.lose(before, after(tenth / 10), MNQ)
        if feeds.of(MNQ) != before:
            changes.append(tenth / 10)

    assert changes == [0, 10, 20, 30, 40, 50]


def test_a_late_login_gives_its_contracts_away_once_and_then_for_a_while_not():
    """Where all are late, as under a load, going to and fro would only add to it."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.leave(ONE, AT)
    assert feeds.of(MNQ) == TWO

    feeds.leave(TWO, after(1))
    feeds.leave(TWO, AT + RESTED - timedelta(seconds=1))
    assert feeds.of(MNQ) == TWO
    feeds.leave(TWO, AT + RESTED)

    assert feeds.of(MNQ) == ONE


@pytest.mark.parametrize("contract", [None, MNQ], ids=["down", "refused"])
def test_what_is_late_or_silent_is_not_given_to_who_does_not_hear_it(contract):
    """Late or nothing: not for as long as he has not said that he is back."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.lose(TWO, AT, contract)

    for second in range(3600):
        feeds.leave(ONE, after(second))
        feeds.pass_on(ONE, MNQ, after(second))
        assert feeds.of(MNQ) == ONE
    feeds.find(TWO, contract)
    feeds.leave(ONE, after(3600))

    assert feeds.of(MNQ) == TWO


def test_a_silent_contract_goes_round_all_logins():
    """That one alone; nobody is to blame, so that who was silent once is asked again."""
    feeds, heard = feeds_of((ONE, TWO, THREE), [MES, MNQ]), []
    for turn in range(4):
        feeds.pass_on(feeds.of(MNQ), MNQ, after(turn))
        heard.append(feeds.of(MNQ))

    assert heard == [TWO, THREE, ONE, TWO]
    assert feeds.of(MES) == ONE


def test_a_silent_contract_passes_who_was_just_lost_or_late_and_comes_back_from_who_is_lost():
    """At once: its market is quiet, perhaps, and the next quote must not be missed."""
    feeds = feeds_of((ONE, TWO, THREE), [MNQ])
    feeds.leave(TWO, AT)
    feeds.pass_on(ONE, MNQ, AT)
    assert feeds.of(MNQ) == THREE

    feeds.lose(THREE, AT)

    assert feeds.of(MNQ) == ONE


def test_a_silent_contract_that_is_heard_of_another_one_already_stays_there():
    """Who was silent in it is not heard any more; or nobody holds it."""
    feeds = feeds_of((ONE, TWO), [MNQ])
    feeds.pass_on(TWO, MNQ, AT)
    feeds.pass_on(ONE, MES, AT)

    assert feeds.of(MNQ) == ONE


def test_who_is_back_takes_nothing_from_who_hears_it_now():
    """To go back would cost what is known, for nothing."""
    feeds = feeds_of((ONE, TWO), [MES, MNQ])
    feeds.lose(ONE, AT)
    feeds.find(ONE)
    feeds.hold([MES, MNQ])

    assert shares(feeds) == ((), (MES, MNQ))


_STEPS = st.tuples(
    st.sampled_from(("lose", "find", "leave", "pass_on", "hold")),
    st.sampled_from((ONE, TWO, THREE)),
    st.sampled_from((None, *CONTRACTS[:2])),
    st.sets(st.sampled_from(CONTRACTS)),
    st.floats(-100, 100),
)


@given(st.lists(_STEPS, max_size=40))
def test_whatever_happens_a_contract_is_heard_of_exactly_one_login_and_of_one_that_stands(played):
    """If any does; clocks that are set back included."""
    feeds, held, lost = feeds_of((ONE, TWO, THREE), CONTRACTS), set(CONTRACTS), set()
    for act, login, contract, wanted, after_s in played:
        match act:
            case "lose":
                feeds.lose(login, after(after_s), contract)
                if contract is None:
                    lost = {each for each in lost if each[0] != login}
                lost.add((login, contract))
            case "find":
                feeds.find(login, contract)
                lost.discard((login, contract))
            case "leave":
                feeds.leave(login, after(after_s))
            case "pass_on":
                feeds.pass_on(login, CONTRACTS[0], after(after_s))
            case "hold":
                feeds.hold(wanted)
                held = wanted

        assert sorted(sum(shares(feeds), ())) == sorted(held)
        for name in held:
            standing = {each for each in feeds.logins if not lost & {(each, None), (each, name)}}
            assert not standing or feeds.of(name) in standing
