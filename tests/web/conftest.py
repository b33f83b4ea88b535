"""A real browser on the page: Debian's chromium, never one that is downloaded."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.wire_rig import Wire

PATIENCE_MS = 60_000
_SWITCHES = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Run one browser for all tests."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_SWITCHES))
        yield browser
        browser.close()


@dataclass
class Looked:
    """What went on behind a page."""

    errors: list[str] = field(default_factory=list)
    """What the page complained of."""
    hosts: set[str] = field(default_factory=set)
    """Hosts it has asked anything of."""

    def watch(self, page: Page) -> None:
        """Listen to all of it."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)


@pytest.fixture
def look(chromium) -> Iterator[Callable[..., Page]]:
    """Open pages; at the end none has complained, and none has asked anybody but its own server."""
    contexts, looked = [], Looked()
    own: set[str] = set()

    def start(host: str, path: str = "/", **how) -> Page:
        width, height = how.pop("size", (1280, 800))
        viewport = {"width": width, "height": height}
        context = chromium.new_context(viewport=viewport, locale="en-GB", **how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        looked.watch(page)
        own.add(host)
        page.goto(f"http://{host}{path}")
        page.wait_for_selector("#table tbody tr, #nothing:not([hidden]), .page")
        return page

    start.forgive = looked.errors.clear
    yield start
    for each in contexts:
        each.close()
    assert looked.errors == []
    assert looked.hosts <= own


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """Run a simulated broker, start systems against it, and stop all of it after the test."""
    wire = Wire(tmp_path)
    yield wire
    wire.stop()
