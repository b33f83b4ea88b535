"""Fixtures of the alerts: channels that listen, and the whole system that tells them."""

import pytest

from tests.alerts.hook import Hook
from tests.rig import TOKENS, config_of

LOSS = {"daily_realized_loss": {"max_loss_usd": 500}}


@pytest.fixture
def hook():
    """Run a channel."""
    with Hook() as listening:
        yield listening


@pytest.fixture
def other():
    """Run a second channel."""
    with Hook() as listening:
        yield listening


def channel(name="desk", kind="json", **more):
    """Return the table of a channel whose URL stands in `LOCKSTEP_<NAME>`."""
    lines = {"name": name, "kind": kind, "url_env": f"LOCKSTEP_{name.upper()}", **more}
    body = "\n".join(
        f"{key} = {value if isinstance(value, int | float) else repr(value)}"
        for key, value in lines.items()
    )
    return f"[[alerts.channels]]\n{body}\n"


@pytest.fixture
def told(hook, rig, monkeypatch):
    """Start whole systems on a virtual clock that tell the channel `desk`, which listens."""

    def start(*tables, rules=LOSS, alerts="", url="/hook/canary-token-0815", **how):
        monkeypatch.setitem(TOKENS, "LOCKSTEP_DESK", hook.url + url)
        text = config_of(**rules) + f"\n[alerts]\n{alerts}\n" + "".join(tables or (channel(),))
        return rig(text, **how)

    return start
