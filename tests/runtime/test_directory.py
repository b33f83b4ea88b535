"""The directory: telling by address never raises, and nothing undeliverable is lost in silence."""

import threading

import pykka
import pytest

from actors.runtime import PooledActor, UnknownAddressError

WAIT_S = 100


class Waiting(PooledActor):
    """Waits for the events it is told."""

    def on_receive(self, message):
        if isinstance(message, threading.Event):
            assert message.wait(WAIT_S)


@pytest.fixture
def letters(directory):
    """The dead letters of a test."""
    seen = []
    directory.on_dead_letter(lambda *letter: seen.append(letter))
    return seen


def test_tell_reaches_the_actor_at_the_address(directory, probe, in_flight):
    """The message arrives as it was told."""
    seen = probe("account/1")

    directory.tell("account/1", "hello")
    in_flight.wait_idle(WAIT_S)

    assert seen == ["hello"]


def test_an_unknown_address_makes_a_dead_letter(directory, letters):
    """Nobody was ever there: reported, not raised."""
    directory.tell("account/9", "hello")

    assert letters == [("account/9", "hello", "unknown address")]


def test_a_dead_address_makes_a_dead_letter(directory, letters, probe):
    """The actor has stopped: reported, not raised."""
    probe("account/1")
    directory.ref("account/1").stop(timeout=WAIT_S)

    directory.tell("account/1", "hello")

    assert letters == [("account/1", "hello", "the actor is dead")]


def test_what_waited_when_an_actor_stopped_becomes_dead_letters(
    directory, letters, pool, in_flight
):
    """Tells behind the stop request are reported; asks were answered."""
    gate = threading.Event()
    ref = Waiting.start(dispatcher=pool)
    directory.register("slow", ref)
    ref.tell(gate)
    ref.stop(block=False)
    ref.tell("one")
    asked = ref.ask("asked", block=False)
    ref.tell("two")
    gate.set()
    in_flight.wait_idle(WAIT_S)

    ended = "the actor ended before it handled the message"
    assert letters == [("slow", "one", ended), ("slow", "two", ended)]
    with pytest.raises(pykka.ActorDeadError):
        asked.get(timeout=WAIT_S)


def test_ref_of_an_unknown_address_says_which_there_are(directory, probe):
    """The error can be acted upon."""
    probe("account/1")

    with pytest.raises(UnknownAddressError, match=r"'account/2'.*known addresses: account/1"):
        directory.ref("account/2")


def test_addresses_lists_the_living_by_prefix(directory, probe):
    """Sorted, dead ones left out."""
    for address in ("enforcer/1", "account/2", "account/1", "account/3"):
        probe(address)
    directory.ref("account/3").stop(timeout=WAIT_S)

    assert directory.addresses("account/") == ["account/1", "account/2"]
    assert directory.addresses() == ["account/1", "account/2", "enforcer/1"]


def test_an_address_belongs_to_one_living_actor(directory, probe):
    """Two actors at one address are a mistake of the wiring; a dead one may be followed."""
    probe("clock")

    with pytest.raises(ValueError, match="address 'clock' belongs to Probe"):
        probe("clock")
    directory.ref("clock").stop(timeout=WAIT_S)
    probe("clock")

    assert directory.is_alive("clock")


def test_unregistering_forgets_an_address(directory, letters, probe):
    """From then on it is unknown."""
    probe("quotes/main")

    directory.unregister("quotes/main")
    directory.unregister("quotes/main")
    directory.tell("quotes/main", "hello")

    assert not directory.is_alive("quotes/main")
    assert letters == [("quotes/main", "hello", "unknown address")]


def test_one_failing_observer_does_not_silence_the_others(directory):
    """Every observer hears of every letter, and the teller of neither."""
    heard = []

    def failing(*_letter):
        raise ValueError("observer")

    directory.on_dead_letter(failing)
    directory.on_dead_letter(lambda *letter: heard.append(letter))
    directory.tell("nobody", "hello")

    assert heard == [("nobody", "hello", "unknown address")]


def test_an_observer_whose_own_message_dies_does_not_loop(directory):
    """A dead letter about a dead letter is only logged."""
    heard = []

    def report(address, _message, _error):
        heard.append(address)
        directory.tell("journal", f"{address} is dead")

    directory.on_dead_letter(report)
    directory.tell("nobody", "hello")
    directory.tell("nobody else", "hello")

    assert heard == ["nobody", "nobody else"]


def test_plain_pykka_actors_may_have_addresses_too(directory):
    """A directory holds any ActorRef."""

    class Plain(pykka.ThreadingActor):
        def on_receive(self, message):
            return message

    directory.register("plain", Plain.start())

    assert directory.ref("plain").ask("hello", timeout=WAIT_S) == "hello"
    pykka.ActorRegistry.stop_all(timeout=WAIT_S)
