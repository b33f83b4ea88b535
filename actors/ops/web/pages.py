"""The files of the page, read once at the start: markup, one script, style, and the chart library.

Nothing else is served, wherever the process was started. The page may load from here and from nowhere
else, run no script that stands in its markup, and parse no markup out of strings.
"""

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER = Path(__file__).parent / "static"
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/static/app.js": ("app.js", _SCRIPT),
    "/static/app.css": ("app.css", _STYLE),
    "/static/icon.svg": ("icon.svg", "image/svg+xml"),
    "/static/vendor/uPlot.esm.js": ("vendor/uPlot.esm.js", _SCRIPT),
    "/static/vendor/uPlot.min.css": ("vendor/uPlot.min.css", _STYLE),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types 'none'"
)
_HEADERS = {"Content-Security-Policy": POLICY}


def page_routes() -> Iterator[Route]:
    """Yield a route for each file."""
    for path, (name, media_type) in _FILES.items():
        yield Route(path, _serve((_FOLDER / name).read_bytes(), media_type), name=name)


def _serve(content: bytes, media_type: str) -> Callable[[Request], Awaitable[Response]]:
    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type, headers=_HEADERS)

    return answer
