"""Whatever is sent to the HTTP server: never a traceback, never a change without the token."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from actors.ops import connections
from tests.security.doors import PATIENCE_S, TOKEN, Door, bearer, door

EXAMPLES = settings(
    max_examples=120,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
NAMES = st.sampled_from(
    [
        *("Host", "Origin", "Authorization", "Content-Type", "Content-Length", "Connection"),
        *("Transfer-Encoding", "Expect", "Upgrade", "X-Forwarded-For", "X-Forwarded-Host"),
        *("X-HTTP-Method-Override", "Cookie", "Range", "Content-Encoding"),
    ]
)
VALUES = st.one_of(
    st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30),
    st.sampled_from(
        [
            *("127.0.0.1", "localhost", "evil.example", "null", "http://127.0.0.1", "chunked"),
            *("application/json", "text/plain", "0", "5", "-1", "99999999999", "100-continue"),
            *(
                "websocket",
                "upgrade",
                "close",
                "keep-alive",
                "Bearer",
                "Bearer x",
                "gzip",
                "x" * 9_000,
            ),
        ]
    ),
)
PATHS = st.one_of(
    st.sampled_from(
        [
            *("/", "/healthz", "/readyz", "/api/status", "/api/reload", "/api/reload/", "*", "//"),
            *("/api/../api/reload", "/api/%72eload", "/api/reload?x=1", "http://x/api/reload"),
            *(
                "/api/status#x",
                "/%00",
                "/%ff",
                "/..%2f..%2fetc/passwd",
                "/api/unlock",
                "/" + "x" * 5_000,
            ),
        ]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20).map("/".__add__),
)
METHODS = st.one_of(
    st.sampled_from(
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
    ),
    st.text(st.characters(min_codepoint=65, max_codepoint=90), min_size=1, max_size=8),
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=5)
BODIES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"", b"{}", b'{"config": "/tmp/x"}', b'{"config": 1}', b"[" * 9_000]),
)


@pytest.fixture(scope="module")
def here():
    """Run one server that soon gives up on who does not finish."""
    with door() as running, given_s(0.1):
        yield running


@contextmanager
def given_s(seconds: float) -> Iterator[None]:
    """Give requests so much time to come whole."""
    before, connections.REQUEST_S = connections.REQUEST_S, seconds
    try:
        yield
    finally:
        connections.REQUEST_S = before


def check(here: Door, answer: bytes) -> None:
    """An answer is HTTP or none, no failure of ours, and says nothing of the inside."""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    for part in answer.split(b"HTTP/1.1 ")[1:]:
        assert part[:1] in b"24" or part.startswith((b"100", b"503")), part
    for word in (b"Traceback", b'File "', TOKEN.encode(), b"starlette", b"uvicorn"):
        assert word not in answer
    with given_s(PATIENCE_S):  # who asks properly may be late on a busy machine
        assert here.ask("GET", "/healthz")[0] == 200


@EXAMPLES
@given(METHODS, PATHS, HEADERS, BODIES, st.sampled_from(["1.1", "1.1", "1.0", "2.0", "9"]))
def test_any_request_is_answered_or_hung_up_on_and_changes_nothing(
    here, method, path, headers, body, version
):
    """Methods, paths, headers and bodies at random; the token is in none of them."""
    given_names = {name for name, _ in headers}
    if "Host" not in given_names:
        headers = [("Host", here.host), *headers]
    if "Content-Length" not in given_names:
        headers = [*headers, ("Content-Length", str(len(body)))]
    head = f"{method} {path} HTTP/{version}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)

    check(here, here.say(head.encode("latin-1") + b"\r\n" + body))

    assert here.reloaded == []


@EXAMPLES
@given(st.binary(max_size=200))
@example(b"\x16\x03\x01\x02\x00\x01")
@example(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 20_000)
@example(b"GET " + b"/" * 200_000)
@example(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
@example(
    b"POST /api/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
)
@example(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")
def test_bytes_that_are_no_request_are_hung_up_on(here, raw):
    """TLS, HTTP/2, endless heads, lengths that contradict each other."""
    check(here, here.say(raw))

    assert here.reloaded == []


@EXAMPLES
@given(BODIES, st.lists(st.tuples(NAMES, VALUES), max_size=2))
def test_with_the_token_only_a_right_request_changes_anything(here, body, headers):
    """The path that was asked for, once; else a complaint."""
    given_headers = bearer() | {name.replace("-", "_"): value for name, value in headers}
    given_headers.setdefault("Host", here.host)
    before = len(here.reloaded)

    fields = {"Connection": "close", "Content_Length": str(len(body))} | given_headers
    head = "POST /api/reload HTTP/1.1\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    answer = here.say(head.encode("latin-1") + b"\r\n" + body)

    check(here, answer)
    done = len(here.reloaded) - before
    assert done <= 1
    assert done == answer.count(b"HTTP/1.1 200")
    if done:
        assert str(here.reloaded[-1]) == "/tmp/x"  # noqa: S108 - nothing is written there
        assert given_headers["Authorization"].strip() == f"Bearer {TOKEN}"
