"""one_for_one, one_for_all, rest_for_one: who is replaced, in which order, and what is kept.

Three children a, b, c under a supervisor under the root; b fails, or the supervisor does, at every point
at which an actor can. What OTP's supervisor_SUITE and Akka's SupervisorSpec ask of theirs is asked here.
"""

import msgspec
import pytest
from pykka import ActorDeadError

from actors.runtime import (
    OwnThread,
    Restart,
    StartChild,
    StopChild,
    StopChildren,
    Strategy,
    SupervisorFlags,
    supervisor_spec,
)
from messages.events import ActorRestarted
from tests.runtime.nursery import BOOM, WAIT_S, Gate, raising

ONE, ALL, REST = Strategy.ONE_FOR_ONE, Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE
REPLACED = {ONE: "b", ALL: "abc", REST: "bc"}
KEPT_BY_FAILING = (Restart.PERMANENT, Restart.TRANSIENT)


@pytest.fixture
def level(in_flight):
    """A thread for the supervisor under the root."""
    thread = OwnThread("level", in_flight)
    yield thread
    thread.stop()


@pytest.fixture
def family(supervisor, nursery, level, directory, clock, in_flight):
    """Return a function that starts a, b and c under a supervisor of a strategy."""

    def begin(strategy, restart=Restart.PERMANENT, intensity=5, above=Restart.PERMANENT, **of_b):
        """Start them; `of_b` is how b is, `above` how their supervisor is."""
        middle = nursery.spec("b", restart, **of_b)
        children = (nursery.spec("a"), middle, nursery.spec("c"))
        spec = supervisor_spec(
            "family",
            dispatcher=level,
            directory=directory,
            clock=clock,
            flags=SupervisorFlags(strategy=strategy, intensity=intensity),
            children=children,
        )
        spec = msgspec.structs.replace(spec, restart=above)
        ref = supervisor.ask(StartChild(spec), timeout=WAIT_S)
        in_flight.wait_idle(WAIT_S)
        nursery.story.clear()
        return ref

    return begin


def order(replaced, *, b_stops=False):
    """Return the story of a replacement: stops right to left, starts left to right."""
    stops = [f"{name} on_stop" for name in reversed(replaced) if name != "b" or b_stops]
    return stops + [f"{name} on_start" for name in replaced]


# --- the child fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_child_fails_in_handling(family, nursery, directory, in_flight, strategy, restart):
    """Those related to it are replaced in order, or nobody if it is temporary."""
    family(strategy, restart)

    directory.tell("b", BOOM)
    in_flight.wait_idle(WAIT_S)

    replaced = REPLACED[strategy] if restart in KEPT_BY_FAILING else ""
    assert nursery.story == order(replaced)
    assert directory.is_alive("b") is (restart in KEPT_BY_FAILING)
    assert {name for name in "abc" if nursery.born[name] == 2} == set(replaced)


@pytest.mark.parametrize("restart", Restart)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_child_stops_unasked(family, nursery, directory, in_flight, strategy, restart):
    """Only for a permanent one that is a failure."""
    family(strategy, restart)

    directory.ref("b").stop(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    permanent = restart is Restart.PERMANENT
    stopped = ["b on_stop"]
    assert nursery.story == stopped + order(REPLACED[strategy] if permanent else "")
    assert directory.is_alive("b") is permanent


@pytest.mark.parametrize("place", ["factory", "on_start"])
@pytest.mark.parametrize("restart", KEPT_BY_FAILING)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_successor_fails_at_its_start(
    family, nursery, directory, in_flight, strategy, restart, place
):
    """It counts as a failure: those that had been started with it go down again, in order."""
    fails = raising(OSError("not yet"), 2)
    how = {"before": fails} if place == "factory" else {"hooks": {"on_start": fails}}
    family(strategy, restart, **how)

    directory.tell("b", BOOM)
    in_flight.wait_idle(WAIT_S)

    assert directory.ref("b").ask("who", timeout=WAIT_S) == 3
    assert {name: nursery.born[name] for name in "ac"} == {
        ONE: {"a": 1, "c": 1},
        ALL: {"a": 3, "c": 2},
        REST: {"a": 1, "c": 2},
    }[strategy]
    assert (
        nursery.story[-len(REPLACED[strategy]) :]
        == order(REPLACED[strategy])[-len(REPLACED[strategy]) :]
    )


@pytest.mark.parametrize("error", [BOOM, KeyboardInterrupt(), SystemExit()], ids=repr)
@pytest.mark.parametrize("strategy", [ALL, REST])
def test_a_sibling_fails_at_its_stop(family, nursery, directory, in_flight, strategy, error):
    """The sibling stands after the one that fails; it is replaced all the same, and the rest too."""
    family(strategy, hooks={"on_stop": raising(error, 1)})

    directory.tell("a", BOOM)
    in_flight.wait_idle(WAIT_S)

    assert [directory.ref(name).ask("who", timeout=WAIT_S) for name in "abc"] == [2, 2, 2]
    assert nursery.story == [
        *("c on_stop", "b on_stop"),
        *("a on_start", "b on_start", "c on_start"),
    ]


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_a_sibling_fails_by_itself_while_it_is_ended(
    family, directory, in_flight, letters, strategy
):
    """Its failure meets its end half way: a dead letter, one successor for all, and no second round."""

    class Failing(Gate):
        def stand(self):
            super().stand()
            raise BOOM

    family(strategy)
    gate = Failing()
    directory.tell("b", gate)
    assert gate.reached.wait(WAIT_S)
    directory.tell("a", BOOM)
    while directory.ref("b").actor_inbox.empty():
        pass  # until the order to end is there: at once, or the test ends by its timeout
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert [directory.ref(name).ask("who", timeout=WAIT_S) for name in "abc"] == [2, 2, 2]
    assert sorted(address for address, _ in letters) == ["a", "b"]


@pytest.mark.parametrize("strategy", Strategy)
def test_inboxes_addresses_and_references_survive_the_replacement(
    family, nursery, directory, in_flight, letters, strategy
):
    """What anybody is told or asked meanwhile is handled by the successors; one message is lost."""
    gate = Gate()

    def hold_second(instance):
        if instance == 2:
            gate.stand()

    family(strategy, before=hold_second)
    refs = {name: directory.ref(name) for name in "abc"}
    directory.tell("b", BOOM)
    assert gate.reached.wait(WAIT_S)
    for name in "abc":
        directory.tell(name, "kept")
    asked = [ref.ask("asked", block=False) for ref in refs.values()]
    gate.opened.set()

    instances = [2 if name in REPLACED[strategy] else 1 for name in "abc"]
    assert [future.get(timeout=WAIT_S) for future in asked] == instances
    in_flight.wait_idle(WAIT_S)
    assert [nursery.handled(name)[0] for name in "abc"] == [(n, "kept") for n in instances]
    assert {name: directory.ref(name) for name in "abc"} == refs
    assert letters == [("b", BOOM)]


@pytest.mark.parametrize("how", ["replaced with a sibling", "asked", "stopped"])
@pytest.mark.parametrize("strategy", [ALL, REST])
def test_the_message_a_sibling_is_at_when_it_is_ended_by_force_is_a_dead_letter(
    family, directory, letters, strategy, how
):
    """Whether or not anybody comes after it: what nobody has handled must not vanish unseen."""
    above, gate = family(strategy, shutdown_s=0.01), Gate()
    stuck = directory.ref("b")
    asked = stuck.ask(gate, block=False) if how == "asked" else stuck.tell(gate)
    assert gate.reached.wait(WAIT_S)
    if how == "stopped":
        above.ask(StopChild("b"), timeout=WAIT_S)
    else:
        directory.tell("a", BOOM)
        assert stuck.ask("who", timeout=WAIT_S) == 2
    if asked is not None:
        with pytest.raises(ActorDeadError, match="was replaced"):
            asked.get(timeout=WAIT_S)
    gate.opened.set()

    assert ("b", gate) in letters


@pytest.mark.parametrize("strategy", [ALL, REST])
def test_a_temporary_sibling_is_ended_and_not_replaced(
    family, nursery, directory, in_flight, strategy
):
    """OTP: it goes with the others and does not come back."""
    family(strategy, Restart.TEMPORARY)

    directory.tell("a", BOOM)
    in_flight.wait_idle(WAIT_S)

    assert nursery.story == ["c on_stop", "b on_stop", "a on_start", "c on_start"]
    assert not directory.is_alive("b")


# --- the supervisor fails -----------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["factory", "on_start"])
@pytest.mark.parametrize("strategy", Strategy)
def test_a_supervisor_whose_child_cannot_start_does_not_start(
    family, nursery, directory, strategy, place
):
    """Those started before are ended, right to left; nothing is left at the addresses."""
    fails = raising(OSError("no"), 1)
    how = {"before": fails} if place == "factory" else {"hooks": {"on_start": fails}}

    with pytest.raises(OSError, match="no"):
        family(strategy, **how)

    assert nursery.story[-1] == "a on_stop"
    assert nursery.born["c"] == 0
    assert [name for name in ("family", "a", "b", "c") if directory.is_alive(name)] == []


@pytest.mark.parametrize("strategy", Strategy)
def test_a_supervisor_that_fails_in_handling_is_replaced_and_its_children_go_on(
    family, nursery, directory, in_flight, journal, strategy
):
    """Its fault is not theirs: they guard on, and its successor restarts them as before."""
    family(strategy)

    directory.tell("family", "nonsense")
    in_flight.wait_idle(WAIT_S)
    assert nursery.story == []
    directory.tell("b", BOOM)
    in_flight.wait_idle(WAIT_S)

    assert nursery.story == order(REPLACED[strategy])
    assert {each.address for each in journal.of(ActorRestarted)} == {"family", *REPLACED[strategy]}


@pytest.mark.parametrize("above", Restart)
@pytest.mark.parametrize("strategy", Strategy)
def test_a_family_that_fails_too_often_is_begun_anew_from_above(
    family, nursery, directory, in_flight, given_up, strategy, above
):
    """Its supervisor ends it and fails, and comes back with it, inboxes kept, unless it is temporary."""
    family(strategy, intensity=2, above=above)
    for message in (BOOM, BOOM, BOOM, "kept"):
        directory.tell("b", message)
    in_flight.wait_idle(WAIT_S)

    kept = above in KEPT_BY_FAILING
    assert [directory.is_alive(name) for name in ("family", "a", "b", "c")] == [kept] * 4
    assert nursery.handled("b") == ([(4, "kept")] if kept else [])
    assert given_up == []


@pytest.mark.parametrize("strategy", Strategy)
def test_a_child_that_failed_while_its_supervisor_was_down_is_found(
    family, nursery, directory, in_flight, strategy
):
    """Also the one whose report the supervisor failed on: a successor looks at all of them."""
    ref = family(strategy)
    gate = Gate()
    blocker = nursery.spec("blocker", before=lambda _instance: gate.stand())
    ref.tell(StartChild(blocker))
    assert gate.reached.wait(WAIT_S)
    ref.tell("nonsense")
    directory.tell("b", BOOM)
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert directory.ref("b").ask("who", timeout=WAIT_S) == 2


@pytest.mark.parametrize("how", ["StopChild", "StopChildren", "stop"])
@pytest.mark.parametrize("strategy", Strategy)
def test_a_supervisor_stops_its_children_right_to_left_though_one_fails(
    family, nursery, directory, supervisor, strategy, how
):
    """By every way a stop can come; the whole subtree is gone, and nothing returns."""
    family(strategy, hooks={"on_stop": raising(BOOM, 1)})

    if how == "stop":
        supervisor.stop(timeout=WAIT_S)
    else:
        stop = StopChild("family") if how == "StopChild" else StopChildren()
        supervisor.ask(stop, timeout=WAIT_S)

    assert nursery.story == ["c on_stop", "b on_stop", "a on_stop"]
    assert [name for name in ("family", "a", "b", "c") if directory.is_alive(name)] == []


@pytest.mark.parametrize("strategy", Strategy)
def test_a_supervisor_is_stopped_while_it_replaces(
    family, nursery, supervisor, directory, in_flight, strategy
):
    """The stop comes after the replacement that is under way, and ends what that has started."""
    gate = Gate()

    def hold_second(instance):
        if instance == 2:
            gate.stand()

    family(strategy, before=hold_second)
    directory.tell("b", BOOM)
    assert gate.reached.wait(WAIT_S)
    stopped = supervisor.ask(StopChild("family"), block=False)
    gate.opened.set()
    stopped.get(timeout=WAIT_S)
    in_flight.wait_idle(WAIT_S)

    assert [name for name in ("family", "a", "b", "c") if directory.is_alive(name)] == []
    stops = [each for each in nursery.story if each.endswith("on_stop")]
    assert stops[-3:] == ["c on_stop", "b on_stop", "a on_stop"]
    assert nursery.born["b"] == 2


@pytest.mark.parametrize("strategy", Strategy)
def test_a_supervisor_that_is_suspended_keeps_its_childrens_inboxes(
    nursery, supervisor, directory, clock, level, in_flight, strategy
):
    """Its own supervisor replaces it with a sibling; what its children were told is not lost."""
    second = OwnThread("second", in_flight)
    common = {"directory": directory, "clock": clock}
    inner = supervisor_spec(
        "inner",
        dispatcher=second,
        flags=SupervisorFlags(strategy=strategy),
        children=(nursery.spec("leaf"),),
        **common,
    )
    flags = SupervisorFlags(strategy=ALL)
    gate = Gate()
    first = nursery.spec("first", before=lambda instance: instance == 2 and gate.stand())
    spec = supervisor_spec(
        "outer", dispatcher=level, flags=flags, children=(first, inner), **common
    )
    supervisor.ask(StartChild(spec), timeout=WAIT_S)
    ref = directory.ref("leaf")

    directory.tell("first", BOOM)
    assert gate.reached.wait(WAIT_S)
    ref.tell("kept")
    gate.opened.set()
    in_flight.wait_idle(WAIT_S)

    assert nursery.handled("leaf") == [(2, "kept")]
    assert nursery.story[1:] == [
        *("leaf on_start", "leaf on_stop", "first on_start", "leaf on_start")
    ]
    assert directory.ref("leaf") is ref
    supervisor.stop(timeout=WAIT_S)
    second.stop()
