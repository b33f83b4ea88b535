"""What cannot be understood is kept, but a flood of it fills no disk; and it repeats no secret."""

import pytest

from actors.gateway.errors import DecodeError
from actors.gateway.outbox import Outbox
from actors.gateway.quarantine import KEPT, PERIOD_S
from actors.runtime import Directory, VirtualClock
from actors.secrets import Secrets, without_tokens
from messages.events import AlarmRaised
from messages.facts import PayloadQuarantined
from tests.gateway.support import AT, KEY, USER, A

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
ERROR = DecodeError("size", -1, "a whole number")


class Desk:
    """An outbox whose clock stands still, and everything it journals."""

    def __init__(self):
        self.clock = VirtualClock(AT)
        directory = Directory()
        self.told = []
        directory.on_dead_letter(lambda _to, message, _why: self.told.extend(message.events))
        self.outbox = Outbox(
            login="desk", clock=self.clock, directory=directory, secrets=Secrets(USER, KEY)
        )

    def all(self, kind):
        return [each for each in self.told if isinstance(each, kind)]


@pytest.fixture
def desk():
    """Return an outbox and what it says."""
    return Desk()


def test_of_a_flood_the_first_are_kept_and_the_rest_is_counted(desk):
    """Ten thousand payloads are a few rows and one alarm that says how many, and where from."""
    for _ in range(5_000):
        desk.outbox.quarantine("gatewayusertrade", b"x" * 5_000, ERROR)
        desk.outbox.quarantine("gatewayuserorder", b"y", ERROR)
    desk.outbox.summarise_quarantine()
    assert len(desk.told) == 2 * KEPT

    desk.clock.advance(PERIOD_S)
    desk.outbox.summarise_quarantine()
    desk.outbox.summarise_quarantine()

    assert len(desk.all(PayloadQuarantined)) == KEPT
    assert all(len(each.raw) <= 2_000 for each in desk.all(PayloadQuarantined))
    *_, summary = desk.all(AlarmRaised)
    assert len(desk.all(AlarmRaised)) == KEPT + 1
    left = 5_000 - KEPT // 2
    assert f"{2 * left} more payloads" in summary.text
    assert f"gatewayusertrade {left}" in summary.text
    assert f"gatewayuserorder {left}" in summary.text


def test_after_the_period_payloads_are_kept_again(desk):
    """With the summary of the last period before them; a trickle is always kept."""
    for _ in range(KEPT + 3):
        desk.outbox.quarantine("a", b"x", ERROR)
    desk.clock.advance(PERIOD_S)
    desk.outbox.quarantine("b", b"x", ERROR)

    assert "3 more payloads" in desk.told[-3].text
    assert desk.told[-2].source == "b"
    for _ in range(3 * KEPT):
        desk.clock.advance(PERIOD_S / KEPT)
        assert desk.outbox.quarantine("b", b"x", ERROR)


def test_a_broker_that_makes_up_names_fills_no_memory(desk):
    """Only so many sources are told apart, each by the beginning of its name."""
    for number in range(5_000):
        desk.outbox.quarantine(f"{number}" + "x" * 500, b"x", ERROR)
    desk.clock.advance(PERIOD_S)
    desk.outbox.summarise_quarantine()

    assert f"{5_000 - KEPT} more payloads" in desk.told[-1].text
    assert "others" in desk.told[-1].text
    assert len(desk.told[-1].text) < 2_000


def test_foreign_accounts_in_a_flood_are_alarmed_a_few_times_only(rig):
    """Every stranger is worth an alarm, but not as many as a broker can think of."""
    rig.guard(A)
    for number in range(200):
        rig.sim.control.push_raw("GatewayUserPosition", {"accountId": 50_000 + number}, A)
    rig.sim.control.push_raw("GatewayUserAccount", {"id": A, "canTrade": True}, A)
    rig.account().one(object, lambda each: type(each).__name__ == "AccountChanged")

    assert len(rig.journal.all(PayloadQuarantined)) == KEPT
    assert len(rig.journal.all(AlarmRaised)) == 2 * KEPT


def test_a_payload_that_repeats_a_secret_is_kept_without_it(desk):
    """Key, user name, a token that is known, and whatever looks like one; cut only afterwards."""
    desk.outbox._secrets.learn("opaque-token-4711")
    said = f"{'x' * 1_990} {KEY} {USER} opaque-token-4711 {JWT}"

    desk.outbox.quarantine("hub", said, DecodeError("x", f"{KEY} {JWT}", "nothing"))
    desk.outbox.quarantine("hub", said[1_900:].encode(), ERROR)

    shown = repr(desk.told)
    for secret in (KEY, USER, "opaque-token-4711", JWT, JWT[:20], KEY[:8]):
        assert secret not in shown
    assert "x" * 1_900 in shown


@pytest.mark.parametrize("secret", [KEY, JWT, "opaque-token-4711"])
def test_a_text_shortened_in_the_middle_of_a_secret_holds_no_beginning_of_it(desk, secret):
    """An error quotes only so many characters of a value."""
    desk.outbox._secrets.learn("opaque-token-4711")
    for before in range(60, 120):
        said = "x" * before + " " + secret
        desk.outbox.quarantine("hub", b"", DecodeError("x", said, "nothing"))

    assert secret[:5] not in repr(desk.told)


def test_what_is_no_token_stays_as_it_is():
    """Blotting too much would hide what went wrong."""
    for text in ("", "eyJ", "a eyJ. b", "key eyJhb.c", "the eyes.of.june"):
        assert without_tokens(text) == text
    assert without_tokens(f"Bearer {JWT}!") == "Bearer ***!"
    assert Secrets("", "").blot("nothing to hide") == "nothing to hide"
