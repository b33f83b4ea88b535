"""What pages are sent: everything once, then what has changed, out of one read for all of them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import httpx
import msgspec
import pykka
import pytest

from actors.ops.web import feed
from messages.values import Health
from tests.security.doors import PATIENCE_S
from tests.web.boards import Window, board, row, wait_for

ONE, TWO = row(1, "one"), row(2, "two")


@pytest.fixture
def window(monkeypatch):
    """Show two accounts, ten times a second."""
    monkeypatch.setattr(feed, "EVERY_S", 0.1)
    monkeypatch.setattr(feed, "PAUSE_S", 0.02)
    window = Window(board(ONE, TWO))
    window.server.start()
    yield window
    window.server.stop()


class Listener:
    """A page, as far as the stream goes."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.iter_lines()

    def next(self) -> dict:
        """Return the next event: its `id`, `event` and `data`."""
        found: dict = {}
        for line in self._lines:
            if not line and "event" in found:
                return found | {"data": msgspec.json.decode(found["data"])}
            name, _, said = line.partition(": ")
            found[name] = said
        pytest.fail("the stream has ended")

    def until(self, wanted) -> dict:
        """Return the next picture that is wanted."""
        while True:
            told = self.next()
            if told["event"] == "picture" and wanted(told["data"]):
                return told

    def picture(self) -> dict:
        """Return the next picture; on a busy machine there are beats between them."""
        return self.until(lambda _: True)

    def ended(self) -> bool:
        """Read to the end."""
        for _ in self._lines:
            pass
        return True


@contextmanager
def listening(window: Window, last: str | None = None) -> Iterator[Listener]:
    headers = {"Last-Event-ID": last} if last else {}
    url = f"http://{window.host}/api/stream"
    with httpx.stream("GET", url, headers=headers, timeout=PATIENCE_S, trust_env=False) as answer:
        yield Listener(answer)


def accounts(picture: dict) -> list[int]:
    return [each["status"]["account"] for each in picture["rows"]]


def test_a_page_is_sent_everything_once_and_then_what_has_changed(window):
    """Five hundred quiet accounts cost nothing; an unchanged head is not repeated either."""
    with listening(window) as page:
        first = page.picture()
        window.shown = board(ONE, row(2, "two", "-100"))
        changed = page.until(lambda told: told["rows"])

    assert page.answer.headers["content-type"].startswith("text/event-stream")
    assert (first["data"]["full"], accounts(first["data"])) == (True, [1, 2])
    assert first["data"]["head"]["holes"] == []
    assert (changed["data"]["full"], accounts(changed["data"])) == (False, [2])
    assert changed["data"]["rows"][0]["status"]["realised_usd"] == "-100"
    assert changed["data"]["head"] is None


def test_a_page_that_comes_back_is_sent_what_it_has_missed(window):
    """In one piece, however long it was away; of another process's pictures it has seen none."""
    with listening(window) as page:
        seen = page.picture()["id"]
        window.shown = board(row(1, "one", "-50"), TWO)
        page.until(lambda told: accounts(told) == [1])
        window.shown = board(row(1, "one", "-60"), TWO)
        page.until(lambda told: told["rows"])

    with listening(window, last=seen) as page:
        missed = page.picture()["data"]
    with listening(window, last=f"{'0' * 8}-1") as page:
        foreign = page.picture()["data"]

    assert (missed["full"], accounts(missed)) == (False, [1])
    assert missed["rows"][0]["status"]["realised_usd"] == "-60"
    assert (foreign["full"], accounts(foreign)) == (True, [1, 2])


@pytest.mark.parametrize("last", ["", "x", "-", "-1", "²", "9", "1" * 5000])
def test_a_page_that_names_no_picture_is_sent_everything(window, last):
    """Whatever stands there."""
    with listening(window) as page:
        epoch = page.picture()["id"].partition("-")[0]
    for said in (last, f"{epoch}-{last}", f"{epoch}-999999"):
        with listening(window, last=said.encode()) as page:
            assert page.picture()["data"]["full"] is True


def test_however_many_look_the_accounts_are_asked_once(window):
    """Each picture has one number, whoever is sent it."""
    with listening(window) as one, listening(window) as two, listening(window) as three:
        seen = [page.picture() for page in (one, two, three) for _ in range(5)]
        asked = window.boards

    numbers = [int(each["id"].partition("-")[2]) for each in seen]
    assert asked <= max(numbers) + 2  # one may be under way, and one be shown but not read yet


def test_what_is_wrong_is_said_with_the_picture(window):
    """By the same words as `status` and `/readyz`."""
    ill = row(2, "two", health=Health.STALE, health_reason="quotes too old")
    window.shown = board(ONE, ill, unanswered=(7,), unrecorded=3)
    with listening(window) as page:
        head = page.until(lambda told: told["head"])["data"]["head"]

    assert [each["kind"] for each in head["holes"]] == ["journal", "unanswered", "stale"]
    assert head["holes"][2] == {"kind": "stale", "account": 2, "text": "is stale: quotes too old"}
    assert head["unanswered"] == [7]


@pytest.mark.parametrize("error", [pykka.Timeout("x"), pykka.ActorDeadError("canary")])
def test_accounts_that_cannot_be_asked_are_not_protected(window, error):
    """What was shown before may not be true any more; it goes on when they answer again."""
    with listening(window) as page:
        page.picture()
        window.shown = error
        failed = page.until(lambda told: told["head"])["data"]
        window.shown = board(ONE, TWO)
        again = page.until(lambda told: told["head"])["data"]

    assert "do not say how they stand" in failed["head"]["holes"][0]["text"]
    assert "canary" not in str(failed)
    assert again["head"]["holes"] == []


def test_a_reader_that_fails_is_replaced(window):
    """An error nobody has thought of costs one picture."""
    with listening(window) as page:
        page.picture()
        window.shown = RuntimeError("nobody has thought of it")
        before = window.boards
        wait_for(lambda: window.boards >= before + 2)
        window.shown = board(row(1, "one", "-1"), TWO)
        assert accounts(page.until(lambda told: told["rows"])["data"]) == [1]


def test_a_reader_that_fails_at_once_is_not_replaced_at_once(window, monkeypatch):
    """What fails every time may not ask the accounts as fast as it can."""
    monkeypatch.setattr(feed, "PAUSE_S", 0.2)
    window.shown = RuntimeError("every time")
    with listening(window):
        wait_for(lambda: len(window.asked_at) >= 4)

    gaps = [after - before for before, after in pairwise(window.asked_at[:4])]
    assert min(gaps) >= 0.19


def test_there_are_beats_while_a_read_takes_long(window, monkeypatch):
    """Silence then means that the process, or the way to it, is gone."""
    monkeypatch.setattr(feed, "BEAT_S", 0.05)
    go_on = threading.Event()
    shown = window.shown

    def slowly():
        go_on.wait(PATIENCE_S)
        return shown

    monkeypatch.setattr(window, "_board", slowly)
    window.server._dashboard._feed._read._read = slowly
    try:
        with listening(window) as page:
            assert [page.next()["event"] for _ in range(3)] == ["beat"] * 3
            go_on.set()
            assert page.picture()["data"]["full"] is True
    finally:
        go_on.set()


def test_a_picture_of_before_is_never_shown_as_one_of_now(window, monkeypatch):
    """Nobody has looked for an hour: who opens the page waits for a new read, however long it takes."""
    with listening(window) as page:
        seen = page.picture()["id"]
    wait_for(lambda: window.server._dashboard._feed._reader is None)
    monkeypatch.setattr(feed, "BEAT_S", 0.05)
    go_on = threading.Event()

    def slowly():
        go_on.wait(PATIENCE_S)
        return board(row(1, "one", "-400"), TWO)

    window.server._dashboard._feed._read._read = slowly
    try:
        with listening(window) as fresh, listening(window, last=seen) as back:
            assert [each.next()["event"] for each in (fresh, back)] == ["beat", "beat"]
            go_on.set()
            first, missed = (each.picture()["data"] for each in (fresh, back))
    finally:
        go_on.set()

    assert (first["full"], first["rows"][0]["status"]["realised_usd"]) == (True, "-400")
    assert (missed["full"], accounts(missed)) == (False, [1])


def test_a_picture_says_how_old_it_is(window, monkeypatch):
    """A page that comes while a read takes long counts its age from there, not from when it came."""
    monkeypatch.setattr(feed, "EVERY_S", 3600)
    with listening(window) as page:
        page.picture()
        shown = window.server._dashboard._feed
        shown._shown_at -= 7
        with listening(window) as late:
            assert late.picture()["data"]["age_ms"] >= 7000


def test_a_stream_ends_by_itself_and_with_the_server(window, monkeypatch):
    """Before the server's own deadline cuts it off; a stop waits for no page."""
    monkeypatch.setattr(feed, "STREAM_S", 0.3)
    with listening(window) as page:
        assert page.ended()
    monkeypatch.setattr(feed, "STREAM_S", 3600)
    with listening(window) as page:
        page.picture()
        window.server.stop()
        assert page.ended()
    assert not window.server._thread.is_alive()


def test_only_so_many_pages_are_served_and_leaving_makes_room(window, monkeypatch):
    """A page too many is told so."""
    monkeypatch.setattr(feed, "MOST_STREAMS", 1)
    with listening(window) as page:
        page.picture()
        status, said = window.ask("GET", "/api/stream")
    assert (status, b"too many pages" in said) == (503, True)
    wait_for(lambda: not window.server._dashboard._feed.full)
    with listening(window) as page:
        assert page.picture()["data"]["full"] is True


def test_nobody_looking_nobody_is_asked(window):
    """The accounts have better things to do."""
    with listening(window) as page:
        page.picture()
    wait_for(lambda: window.server._dashboard._feed._reader is None)
    before = window.boards
    window.ask("GET", "/healthz")

    assert window.boards == before
