"""Each hub is looked for where the configuration says: `[broker] user_hub_url` and `market_hub_url`."""

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from messages.commands import GuardAccounts, HoldQuotes
from tests.gateway.support import MNQ, PATIENCE_S, A


@pytest.fixture
def elsewhere():
    """Return an address of somebody who is no broker, and the paths that are asked for there."""
    asked = queue.SimpleQueue()

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.put(self.path)
            self.send_error(404)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/mine", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_user_hub_is_looked_for_at_its_own_address(rig, elsewhere):
    """With the rest of the broker where it was."""
    url, asked = elsewhere
    rig.open(user_hub_url=url)

    rig.gateway.tell(GuardAccounts(**rig.head(accounts=(A,), poll_s=None)))

    assert asked.get(timeout=PATIENCE_S).startswith("/mine")


def test_the_market_hub_is_looked_for_at_its_own_address(rig, elsewhere):
    """As soon as something is held; the user hub is up meanwhile."""
    url, asked = elsewhere
    rig.guard(A, market_hub_url=url)
    assert asked.empty()

    rig.quotes.tell(HoldQuotes(**rig.head(account=A, contracts=(MNQ,))))

    assert asked.get(timeout=PATIENCE_S).startswith("/mine")
