"""Where the HTTP server may listen: on loopback, and beyond it only for who says so. Pure.

Beyond loopback anybody in the network can ask how the accounts stand, over plain HTTP; so it takes
`[http] allow_remote`, a token for every request, and a warning.
"""

import ipaddress
import re
from collections.abc import Mapping

from config.schema import Http

TOKEN_VARIABLE = "LOCKSTEP_TOKEN"  # noqa: S105 - its name, not its value
"""The environment variable whose value lets a client change what runs."""

_PORT = re.compile("[0-9]{1,5}")
_LARGEST_PORT = 65535
_SHORTEST_TOKEN = 16
_TOKEN = re.compile(r"[!-~]+")


def parts_of(listen: str) -> tuple[str, int]:
    """Return host (an IPv6 one without its brackets) and port of what `complaint_of` accepts."""
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def complaint_of(http: Http) -> str | None:
    """Return what is wrong with where to listen."""
    host, _, port = http.listen.rpartition(":")
    host = host.strip("[]")
    if _PORT.fullmatch(port) and int(port) <= _LARGEST_PORT:
        if is_loopback(host) or (http.allow_remote and _address(host)):
            return None
        if _address(host):
            return (
                f"http.listen: must be a loopback address and port like 127.0.0.1:8787, not "
                f"{http.listen!r}; anybody in the network could ask there: that takes allow_remote"
            )
    return (
        f"http.listen: must be a loopback address and port like 127.0.0.1:8787, not {http.listen!r}"
    )


def warning_of(http: Http) -> str | None:
    """Return what should be known about where it listens."""
    if is_loopback(parts_of(http.listen)[0]):
        return None
    return (
        f"http.listen: {http.listen} can be reached from other machines, without encryption: the token "
        "and how every account stands can be read on the way; an SSH tunnel to loopback is safer"
    )


def token_complaints(http: Http, environment: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the token; its value is never said."""
    token = environment.get(TOKEN_VARIABLE)
    if not token:
        needed = (
            "http.listen: beyond loopback every request needs the token, and environment variable "
            f"{TOKEN_VARIABLE} is not set; export it, or listen on 127.0.0.1"
        )
        return [] if is_loopback(parts_of(http.listen)[0]) else [needed]
    if len(token) >= _SHORTEST_TOKEN and _TOKEN.fullmatch(token):
        return []
    weak = (
        f"http: environment variable {TOKEN_VARIABLE} must be at least {_SHORTEST_TOKEN} visible "
        "ASCII characters without spaces; make one with `openssl rand -hex 32`"
    )
    return [weak]


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
