"""The files of the page: all there, from here only, and no markup out of strings."""

import re
from pathlib import Path

import pytest

from actors.ops.web import pages
from tests.security.doors import door

STATIC = Path(pages.__file__).parent / "static"
OURS = ("index.html", "app.js", "app.css")


@pytest.mark.parametrize("path", pages._FILES)
def test_every_file_is_served_wherever_the_process_was_started(tmp_path, monkeypatch, path):
    """With its type, and a policy that lets the page load from here only."""
    monkeypatch.chdir(tmp_path)
    name, media_type = pages._FILES[path]
    with door() as here:
        status, answer = here.ask("GET", path)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert status == 200
    assert body == (STATIC / name).read_bytes()
    assert f"content-type: {media_type}".encode() in head.lower()
    assert f"content-security-policy: {pages.POLICY}".encode() in head
    assert b"unsafe" not in head


def test_nothing_else_is_served():
    """Not the file of the licence either, nor what a path may climb to."""
    with door() as here:
        for path in ("/static/", "/static/vendor/uPlot.LICENSE", "/static/../pages.py", "/app.js"):
            assert here.ask("GET", path)[0] == 404


@pytest.mark.parametrize(
    "path", ["/api/stream", "/api/accounts/1", "/api/incidents/1/1/bundle"], ids=lambda path: path
)
@pytest.mark.parametrize("site", ["cross-site", "same-site", "x"])
def test_a_page_of_another_site_keeps_nobody_busy(path, site):
    """It cannot read the answer, but any page a trader visits could ask for it."""
    with door() as here:
        status, said = here.ask("GET", path, Sec_Fetch_Site=site)
        own, _ = here.ask("GET", "/api/accounts/1", Sec_Fetch_Site="same-origin")

    assert (status, b"another site" in said) == (403, True)
    assert own == 503  # there is no journal behind this door, but it was asked


def test_a_stream_has_a_head():
    """Whoever asks for that alone is not listened for."""
    with door() as here:
        status, said = here.ask("HEAD", "/api/stream")

    assert status == 200
    assert b"text/event-stream" in said


def test_the_page_names_no_other_host_and_has_no_script_or_style_in_its_markup():
    """It works offline, and under a policy that forbids both."""
    markup = (STATIC / "index.html").read_text()

    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", markup)
    for name in OURS:
        said = (STATIC / name).read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z0-9-]+\.[a-z]", said)


def test_nothing_is_made_of_strings_that_could_be_markup_or_code():
    """Account names come from the broker."""
    script = (STATIC / "app.js").read_text()

    ways = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|srcdoc"
    assert not re.search(ways, script)
    assert not re.search(ways, (STATIC / "vendor" / "uPlot.esm.js").read_text())


def test_the_library_comes_with_its_licence_and_its_version():
    """Whoever updates it says which it is."""
    told = (STATIC.parent / "README.md").read_text()
    version = re.search(r"\(v([\d.]+)\)", (STATIC / "vendor" / "uPlot.esm.js").read_text())

    assert "MIT" in (STATIC / "vendor" / "uPlot.LICENSE").read_text()
    assert version
    assert f"uPlot {version[1]}" in told
