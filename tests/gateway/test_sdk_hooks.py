"""The private parts of the SDK that the session stands on: a new version that moves them fails here."""

import asyncio
import inspect
import logging
import subprocess
import sys
from importlib.metadata import version

import pytest
from project_x_py import ProjectX, ProjectXConfig

from actors.gateway.client import BrokerClient
from actors.gateway.settings import LoginSettings

HOOKS = {
    "authenticate": [],
    "validate_session": [],
    "_ensure_authenticated": [],
    "_refresh_authentication": [],
    "_should_refresh_token": [],
    "_make_request": ["method", "endpoint", "data", "params", "headers", "retry_count"],
}
ATTRIBUTES = {
    "session_token": "",
    "token_expiry": None,
    "_authenticated": False,
    "username": "u",
    "api_key": "k",
    "headers": {"Content-Type": "application/json"},
    "base_url": "http://127.0.0.1:1/api",
}


def bare_sdk_client():
    return ProjectX("u", "k", config=ProjectXConfig(api_url="http://127.0.0.1:1/api"))


def our_client(clock):
    urls = dict.fromkeys(("user_hub_url", "market_hub_url"), "http://127.0.0.1:1/hub")
    login = LoginSettings(
        name="x", username="u", api_key="k", api_url="http://127.0.0.1:1/api", **urls
    )
    nothing = lambda *_: None  # noqa: E731
    return BrokerClient(login, clock=clock, alarm=nothing, report_time=nothing, fence=str)


def test_the_sdk_is_the_one_these_hooks_were_read_in():
    """The pin in pyproject.toml and this suite move together."""
    assert version("project-x-py") == "4.4.1"


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_has_the_signature_we_override_or_call(name):
    """Same parameters, and still a coroutine where it was one."""
    hook = getattr(ProjectX, name)
    parameters = [each for each in inspect.signature(hook).parameters if each != "self"]

    assert parameters == HOOKS[name]
    assert inspect.iscoroutinefunction(hook) == (name != "_should_refresh_token")


def test_a_new_client_has_the_attributes_we_read_and_write():
    """Names and first values."""
    client = bare_sdk_client()

    assert {name: getattr(client, name) for name in ATTRIBUTES} == ATTRIBUTES


def test_the_sdks_own_methods_go_through_our_request_and_its_budget(still_clock):
    """`validate_session` must not find a way around the budget."""

    async def scene():
        client = our_client(still_clock)
        client.session_token = "opaque"
        valid = await client.validate_session()
        await client.close()
        return valid, len(client.budget._sent)

    assert asyncio.run(scene()) == (False, 1)


def test_the_sdks_loggers_are_silent(still_clock, capsys):
    """They would print JSON, with whatever is in it, to our stdout."""
    our_client(still_clock)
    names = [name for name in logging.root.manager.loggerDict if name.startswith("project_x_py")]

    assert names
    for name in names:
        logging.getLogger(name).error("must not be seen")
    assert capsys.readouterr() == ("", "")


def test_importing_the_package_does_not_import_the_sdk():
    """`status` and `rules` must not pay a second and 70 MB for it."""
    code = "import sys, actors.gateway; print('project_x_py' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"
