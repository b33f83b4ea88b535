"""Who may ask the HTTP server what: on a real socket, request by request."""

import queue
import socket
import time
from collections.abc import Iterator

import pykka
import pytest

from actors.ops import connections
from actors.ops.connections import MOST_CONNECTIONS, BoundedConnection
from actors.ops.gatekeeper import LARGEST_BODY, MOST_FAILURES
from tests.cli import lockstep, one_error
from tests.security.doors import PATIENCE_S, TOKEN, Door, bearer, door, read_all

RELOAD = b'{"config": "/tmp/mine.toml"}'
LOCK = b'{"account": 1, "for_s": 60, "reason": "enough"}'
READS = ("/healthz", "/readyz", "/api/status")


@pytest.fixture(scope="module")
def shared():
    """Run one server for the tests that leave it as it was."""
    with door() as running:
        yield running


@pytest.fixture
def fresh():
    """Run a server of one's own."""
    with door() as running:
        yield running


@pytest.mark.parametrize("path", READS)
def test_what_can_be_read_is_not_to_be_stored_guessed_at_or_framed(shared: Door, path):
    """Also what is no route, and what is refused."""
    for answer in (
        shared.ask("GET", path)[1],
        shared.ask("GET", "/nope")[1],
        shared.ask("POST", path)[1],
        shared.ask("GET", path, Host="evil.example")[1],
    ):
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"cache-control: no-store" in head
        assert b"x-content-type-options: nosniff" in head
        assert b"frame-ancestors 'none'" in head
        assert b"uvicorn" not in head


def test_nobody_is_sent_on_to_another_path(shared: Door):
    """A redirect would carry a token and a body on, to wherever the request says this is."""
    for method, path in (("GET", "/api/status/"), ("POST", "/api/reload/")):
        status, answer = shared.ask(method, path, RELOAD if method == "POST" else b"", **bearer())
        assert status == 404
        assert b"location:" not in answer.lower()
    assert shared.reloaded == []


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:§", 200),
        ("localhost:§", 200),
        ("LOCALHOST", 200),
        ("[::1]:§", 200),
        ("127.0.0.1:9999", 200),
        ("evil.example", 421),
        ("evil.example:§", 421),
        ("127.0.0.1.evil.example:§", 421),
        ("localhost.evil.example", 421),
        ("192.168.1.7:§", 421),
        ("evil.example@127.0.0.1", 421),
        ("[::1", 200),
        ("[]", 421),
    ],
)
def test_only_who_means_this_machine_is_answered(shared: Door, host, status):
    """A page whose name was pointed here names itself; the port may be a tunnel's."""
    for path in ("/healthz", "/api/status", "/nope"):
        answered = shared.ask("GET", path, Host=host.replace("§", str(shared.port)))[0]
        assert answered == (404 if path == "/nope" and status == 200 else status)


def test_a_request_without_a_host_is_refused(shared: Door):
    """As HTTP/1.0 sends it."""
    assert shared.say(b"GET /api/status HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Authorization": "Bearer"}, 403),
        ({"Authorization": TOKEN}, 403),
        ({"Authorization": f"Bearer {TOKEN}x"}, 403),
        ({"Authorization": f"bearer {TOKEN}"}, 403),
        ({"Authorization": "Bearer \xe9\xff"}, 403),
        (bearer() | {"Content_Type": ""}, 415),
        (bearer() | {"Content_Type": "text/plain"}, 415),
        (bearer() | {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        (bearer() | {"Content_Type": "application/json5"}, 415),
        (bearer() | {"Origin": "http://evil.example"}, 403),
        (bearer() | {"Origin": "null"}, 403),
        (bearer() | {"Origin": "http://localhost:3000"}, 403),
        (bearer() | {"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        (bearer(), 200),
        (bearer() | {"Content_Type": "Application/JSON; charset=utf-8"}, 200),
        (bearer() | {"Origin": "http://§"}, 200),
    ],
)
def test_only_who_bears_the_token_asks_from_nowhere_else_and_in_json_changes_anything(
    headers, status
):
    """Everything is asked of every request that is no read."""
    with door() as here:
        given = {name: value.replace("§", here.host) for name, value in headers.items()}

        assert here.ask("POST", "/api/reload", RELOAD, **given)[0] == status
        locking = here.ask("POST", "/api/lock", LOCK, **given)[0]

        assert locking == (400 if status == 200 else status)  # nothing is guarded behind this door
        assert len(here.reloaded) == len(here.locked) == (status == 200)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "LOCK"])
@pytest.mark.parametrize("path", [*READS, "/api/reload", "/api/lock", "/nope"])
def test_every_method_that_is_no_read_needs_the_token_wherever_it_goes(shared: Door, method, path):
    """A route that is added tomorrow is guarded today."""
    assert shared.ask(method, path)[0] == 403


def test_a_guesser_soon_gets_no_answers_not_even_to_the_right_guess(fresh: Door):
    """Requests without any token are no guesses, and reading goes on."""
    for _ in range(MOST_FAILURES + 5):
        assert fresh.ask("POST", "/api/reload", RELOAD)[0] == 403
    for _ in range(MOST_FAILURES):
        assert fresh.ask("POST", "/api/reload", RELOAD, **bearer("wrong"))[0] == 403

    assert fresh.ask("POST", "/api/reload", RELOAD, **bearer("wrong"))[0] == 429
    assert fresh.ask("POST", "/api/reload", RELOAD, **bearer())[0] == 429
    assert fresh.reloaded == []
    assert fresh.ask("GET", "/api/status")[0] == 200


def test_a_body_that_is_too_large_is_refused_whatever_it_says_of_its_length(shared: Door):
    """Announced, chunked, or announced smaller than it is."""
    large = b"x" * (LARGEST_BODY + 1)
    chunked = f"{len(large):x}\r\n".encode() + large + b"\r\n0\r\n\r\n"

    announced = shared.ask("POST", "/api/reload", large, **bearer())
    in_chunks = shared.ask("POST", "/api/reload", chunked, **bearer(), Transfer_Encoding="chunked",
                           Content_Length="")  # fmt: skip
    shortened = shared.ask("POST", "/api/reload", large, **bearer(), Content_Length="5")

    assert (announced[0], in_chunks[0], shortened[0]) == (413, 413, 400)
    assert shared.reloaded == []


@pytest.mark.parametrize("path", ["/api/reload", "/api/lock"])
@pytest.mark.parametrize("body", [b"", b"[", b"{}", b'{"config": 5}', b"[" * 30_000, b"\xff"])
def test_a_body_that_is_not_what_it_must_be_is_refused(shared: Door, path, body):
    """With a complaint, not with a traceback."""
    status, answer = shared.ask("POST", path, body, **bearer())

    assert status == 400
    assert b"Traceback" not in answer


@pytest.mark.parametrize(
    "wrong",
    [
        *('"account": null', '"account": 1.5', '"for_s": 0', '"for_s": -60', '"for_s": 1e30'),
        *('"until": "2025-10-29T17:00:00"', '"until": "soon"', '"until": 5', '"reason": 5'),
        *('"scope": "product:MNQ"', '"duty": "no_new_exposure"', '"rule": "RULE-003"'),
    ],
)
def test_a_lockout_is_asked_for_with_an_account_an_end_and_a_reason_only(fresh: Door, wrong):
    """Nothing that is no instant with an offset or a duration ahead, and no other field, gets through."""
    key = wrong.partition(":")[0]
    fields = [
        each
        for each in ('"account": 1', '"for_s": 60', '"reason": "x"')
        if not each.startswith(key)
    ]
    body = "{" + ", ".join([*fields, wrong]) + "}"

    assert fresh.ask("POST", "/api/lock", body.encode(), **bearer())[0] == 400

    assert fresh.locked == []


def test_a_server_without_a_token_changes_nothing_for_anybody():
    """Not for an empty one either."""
    with door(token=None) as here:
        for token in ("", "None", TOKEN):
            assert here.ask("POST", "/api/reload", RELOAD, **bearer(token))[0] == 403
        assert here.reloaded == []


def test_lines_that_are_held_open_harm_nobody(fresh: Door):
    """Slow loris: far more than there are places, each with half a request; a proper one is answered."""
    lines = [fresh.connect() for _ in range(2 * MOST_CONNECTIONS)]
    for line in lines:
        try:
            line.sendall(b"POST /api/reload HTTP/1.1\r\nHost: ")
        except OSError:
            continue  # made way for another already

    assert fresh.ask("GET", "/api/status")[0] == 200

    for line in lines[:MOST_CONNECTIONS]:
        assert read_all(line) == b""  # made way
    for line in lines:
        line.close()


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /api/st",
        b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ",
        b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /",
        b"POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n",
        b"POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer " + TOKEN.encode() + b"\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "line", "head", "second request", "refused, body to come", "body"],
)
def test_a_request_that_does_not_come_whole_loses_its_line(fresh: Door, monkeypatch, begun):
    """However it drips: every byte counts towards one deadline."""
    monkeypatch.setattr(connections, "REQUEST_S", 0.3)
    with fresh.connect() as line:
        line.sendall(begun)
        line.settimeout(0.05)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if not line.recv(4096):
                    break
            except TimeoutError:
                try:
                    line.sendall(b"a")
                except OSError:
                    break
            except ConnectionResetError:
                break
        else:
            pytest.fail("the line is still open")
    assert fresh.reloaded == []


@pytest.mark.parametrize("token", [TOKEN, "x" * 20], ids=["read", "refused unread"])
def test_a_body_that_is_no_http_costs_its_line_and_no_traceback(fresh: Door, caplog, token):
    """Whoever was to answer it is told that nobody is there any more."""
    head = f"POST /api/reload HTTP/1.1\r\nHost: {fresh.host}\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {token}\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"

    said = fresh.say(head.encode())
    fresh.server.stop()

    assert said.startswith(b"HTTP/1.1 400")
    assert [each.exc_info for each in caplog.records if each.exc_info] == []


def unread(here: Door, *headers: str) -> socket.socket:
    """Ask for an answer that is larger than any buffer, and take nothing of it."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.connect(("127.0.0.1", here.port))
    head = ("GET /metrics HTTP/1.1", f"Host: {here.host}", *headers, "", "")
    line.sendall("\r\n".join(head).encode())
    return line


@pytest.fixture
def left(monkeypatch) -> queue.SimpleQueue[int]:
    """Return the ports of clients whose lines the server has given up, in order; it says no goodbye."""
    ports: queue.SimpleQueue[int] = queue.SimpleQueue()
    lose = BoundedConnection.connection_lost

    def noted(connection: BoundedConnection, error: Exception | None) -> None:
        lose(connection, error)
        ports.put(connection.client[1])

    monkeypatch.setattr(BoundedConnection, "connection_lost", noted)
    return ports


@pytest.fixture
def large(monkeypatch) -> Iterator[Door]:
    """Run a server with an answer of 30 MB."""
    monkeypatch.setattr(Door, "_metrics", lambda _door: b"x" * 30_000_000)
    with door() as running:
        yield running


@pytest.mark.parametrize("headers", [(), ("Connection: close",)], ids=["keep", "close"])
def test_an_answer_that_is_not_taken_loses_its_line(large: Door, left, monkeypatch, headers):
    """Also where it was to be the last one of its connection, which is then on its way out already."""
    monkeypatch.setattr(connections, "ANSWER_S", 0.3)

    with unread(large, *headers) as line:
        assert left.get(timeout=PATIENCE_S) == line.getsockname()[1]


def test_answers_that_nobody_takes_count_as_lines_too(large: Door, left):
    """Else each of them would be a file descriptor less for those who guard."""
    lines = [unread(large, "Connection: close") for _ in range(MOST_CONNECTIONS)]
    for line in lines:
        line.recv(1, socket.MSG_PEEK)  # it is being answered
    more = [large.connect() for _ in range(8)]

    made_way = [left.get(timeout=PATIENCE_S) for _ in more]
    assert made_way == [line.getsockname()[1] for line in lines[:8]]
    for line in (*lines, *more):
        line.close()


def test_many_who_ask_at_once_cost_the_accounts_few_questions(fresh: Door):
    """Who asks while a read is under way shares the next one."""
    asked = (
        b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 49
        + b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    lines = [fresh.connect() for _ in range(20)]
    for line in lines:
        line.sendall(asked)
    answers = [read_all(line).count(b"HTTP/1.1 200") for line in lines]
    for line in lines:
        line.close()

    assert answers == [50] * 20
    assert fresh.statuses < 1000


@pytest.mark.parametrize("error", [pykka.Timeout("x"), pykka.ActorDeadError("canary")])
@pytest.mark.parametrize("path", ["/readyz", "/api/status"])
def test_an_account_that_does_not_answer_is_not_ready_and_no_traceback(path, error):
    """Unknown is said aloud."""

    class Silent(Door):
        def _status(self):
            raise error

    here = Silent()
    here.server.start()
    try:
        status, answer = here.ask("GET", path)
    finally:
        here.server.stop()

    assert status == 503
    assert b"does not say how it stands" in answer
    assert b"canary" not in answer


@pytest.mark.parametrize("error", [pykka.Timeout("x"), pykka.ActorDeadError("canary")])
def test_an_account_that_does_not_answer_a_lockout_is_no_success(error, written, monkeypatch):
    """503 says that it was told; the command ends with 1 and says the same."""

    class Silent(Door):
        def _lock(self, _asked):
            raise error

    monkeypatch.setenv("LOCKSTEP_TOKEN", TOKEN)
    here = Silent()
    here.server.start()
    try:
        status, answer = here.ask("POST", "/api/lock", LOCK, **bearer())
        words = ["1", "--for", "30m", "--reason", "x", "--yes"]
        done = lockstep("lock", *words, "--config", written(listen=here.host))
    finally:
        here.server.stop()

    assert status == 503
    assert b"canary" not in answer
    assert "was told, but has not answered yet" in one_error(done, 1)
