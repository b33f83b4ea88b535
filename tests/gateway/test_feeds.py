"""Of which login a contract is heard: of one, and of another one as soon as that is lost."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.gateway.feeds import RESTED, Feeds
from tests.gateway.support import AT, MES, MNQ

ONE, TWO, THREE = "one", "two", "three"
CONTRACTS = [f"CON.F.US.{name}.Z25" for name in ("ENQ", "EP", "GCE", "M2K", "MYM", "YM")]


def shares(feeds):
    return tuple(feeds.heard_by(each) for each in feeds.logins)


def test_every_contract_is_heard_of_one_login():
    """The same for all: that costs less than several."""
    feeds = Feeds((ONE, TWO, THREE), CONTRACTS)

    assert shares(feeds) == (tuple(CONTRACTS), (), ())
    assert {feeds.of(each) for each in CONTRACTS} == {ONE}


def test_what_is_newly_held_leaves_the_rest_where_it_is():
    """To be subscribed anew costs what is known of a contract."""
    feeds = Feeds((ONE, TWO), [MES])
    feeds.lose(ONE, AT)
    feeds.lose(TWO, AT + timedelta(seconds=1), contract=MNQ)

    feeds.hold([MES, MNQ])

    assert shares(feeds) == ((MNQ,), (MES,))


def test_a_lost_login_s_contracts_are_heard_of_another_one():
    """Of one that was not lost."""
    feeds = Feeds((ONE, TWO, THREE), CONTRACTS)

    feeds.lose(ONE, AT)
    assert shares(feeds) == ((), tuple(CONTRACTS), ())
    feeds.lose(TWO, AT)

    assert shares(feeds) == ((), (), tuple(CONTRACTS))


def test_where_all_are_lost_who_was_lost_longest_ago_is_tried():
    """It is the first that may be back."""
    feeds = Feeds((ONE, TWO), [MNQ])
    feeds.lose(ONE, AT)
    assert feeds.of(MNQ) == TWO

    feeds.lose(TWO, AT + timedelta(seconds=1))
    assert feeds.of(MNQ) == ONE
    feeds.lose(ONE, AT + timedelta(seconds=2))
    assert feeds.of(MNQ) == TWO


def test_a_loss_of_who_hears_nothing_counts_too():
    """His next attempt has failed: what others lose is not given to him."""
    feeds = Feeds((ONE, TWO, THREE), [MNQ])
    feeds.lose(ONE, AT)
    feeds.lose(ONE, AT + timedelta(seconds=60))

    feeds.lose(feeds.of(MNQ), AT + timedelta(seconds=61))

    assert feeds.of(MNQ) in {TWO, THREE}


def test_a_single_login_hears_everything_whatever_becomes_of_it():
    """There is no other."""
    feeds = Feeds((ONE,), [MES, MNQ])
    for how in ({}, {"contract": MNQ}, {"late": True}):
        feeds.lose(ONE, AT, **how)

        assert shares(feeds) == ((MES, MNQ),)


def test_a_refused_contract_is_heard_of_another_login():
    """That one alone; and it does not come back to who was refused it."""
    feeds = Feeds((ONE, TWO), [MES, MNQ])

    feeds.lose(ONE, AT, contract=MNQ)

    assert shares(feeds) == ((MES,), (MNQ,))
    feeds.hold([MES])
    feeds.hold([MES, MNQ])
    assert shares(feeds) == ((MES,), (MNQ,))


@pytest.mark.parametrize("how", [{"contract": MNQ}, {"late": True}], ids=["refused", "late"])
def test_where_it_is_the_same_everywhere_nothing_goes_to_and_fro(how):
    """One change, and then none for a while."""
    feeds = Feeds((ONE, TWO), [MNQ])
    feeds.lose(ONE, AT, **how)
    assert feeds.of(MNQ) == TWO

    feeds.lose(TWO, AT + timedelta(seconds=1), **how)
    feeds.lose(TWO, AT + RESTED - timedelta(seconds=1), **how)
    assert feeds.of(MNQ) == TWO
    feeds.lose(TWO, AT + RESTED, **how)

    assert feeds.of(MNQ) == ONE


def test_a_silent_contract_goes_round_all_logins():
    """That one alone; nobody is to blame, so that who was silent once is asked again."""
    feeds, heard = Feeds((ONE, TWO, THREE), [MES, MNQ]), []
    for turn in range(4):
        feeds.pass_on(feeds.of(MNQ), MNQ, AT + timedelta(seconds=turn))
        heard.append(feeds.of(MNQ))

    assert heard == [TWO, THREE, ONE, TWO]
    assert feeds.of(MES) == ONE


@pytest.mark.parametrize("how", [{}, {"contract": MNQ}, {"late": True}])
def test_a_silent_contract_passes_who_was_just_lost_and_comes_back_from_who_is_lost(how):
    """At once: its market is quiet, perhaps, and the next quote must not be missed."""
    feeds = Feeds((ONE, TWO, THREE), [MNQ])
    feeds.lose(TWO, AT, **how)
    feeds.pass_on(ONE, MNQ, AT)
    assert feeds.of(MNQ) == THREE

    feeds.lose(THREE, AT, **how)

    assert feeds.of(MNQ) == ONE


def test_a_silent_contract_stays_where_there_is_no_other_login_or_it_is_gone_already():
    """Who was silent in it is not heard any more."""
    alone, feeds = Feeds((ONE,), [MNQ]), Feeds((ONE, TWO), [MNQ])
    alone.pass_on(ONE, MNQ, AT)
    feeds.pass_on(TWO, MNQ, AT)
    feeds.pass_on(ONE, MES, AT)

    assert (alone.of(MNQ), feeds.of(MNQ)) == (ONE, ONE)


def test_who_is_back_takes_nothing_from_who_hears_it_now():
    """To go back would cost what is known, for nothing."""
    feeds = Feeds((ONE, TWO), [MES, MNQ])
    feeds.lose(ONE, AT)
    feeds.hold([MES, MNQ])

    assert shares(feeds) == ((), (MES, MNQ))


@given(
    st.lists(
        st.tuples(
            st.sampled_from((ONE, TWO, THREE)),
            st.sampled_from((None, *CONTRACTS)),
            st.booleans(),
            st.sets(st.sampled_from(CONTRACTS)),
            st.floats(-100, 100),
        ),
        max_size=30,
    )
)
def test_whatever_happens_each_contract_held_is_heard_of_exactly_one_login(played):
    """Clocks that are set back included; and of no lost one while another was lost longer ago."""
    feeds, held = Feeds((ONE, TWO, THREE), CONTRACTS), set(CONTRACTS)
    for login, contract, late, wanted, after_s in played:
        mine = feeds.heard_by(login)
        feeds.lose(login, AT + timedelta(seconds=after_s), contract=contract, late=late)
        assert contract is None or set(mine) - set(feeds.heard_by(login)) <= {contract}
        feeds.hold(wanted)
        held = wanted
        assert sorted(sum(shares(feeds), ())) == sorted(held)
