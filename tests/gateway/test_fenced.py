"""A gateway that hung and was replaced must not reach the broker any more, wherever it comes back."""

import asyncio

import pytest
from aiohttp import web

from actors.gateway.client import BrokerClient
from actors.gateway.settings import LoginSettings
from actors.runtime.fence import FencedError, acting
from messages.commands import CloseContract
from messages.values import Done


class Instance:
    """Stands for the gateway's instance."""

    fenced = False


@pytest.mark.parametrize("fenced", [False, True])
def test_a_close_of_a_fenced_gateway_does_not_leave(still_clock, fenced):
    """It stands still between the command and the wire, is replaced, and comes back."""
    asked, instance = [], Instance()

    async def answer(request):
        asked.append(request.path)
        return web.json_response({"success": True, "errorCode": 0})

    async def scene():
        application = web.Application()
        application.router.add_post("/{rest:.*}", answer)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = "http://{}:{}".format(*runner.addresses[0])
        names = {"name": "x", "username": "u", "api_key": "k"}
        urls = {"user_hub_url": f"{url}/user", "market_hub_url": f"{url}/market"}
        client = BrokerClient(
            LoginSettings(api_url=f"{url}/api", **names, **urls),
            clock=still_clock,
            alarm=lambda *_: None,
            report_time=lambda *_: None,
            fence=str,
        )
        client.session_token = "opaque"  # so that it does not log in first
        acting.set(instance)
        instance.fenced = fenced
        command = CloseContract(
            account=1,
            at=still_clock.now(),
            cause="t",
            command_id="c",
            contract="CON.F.US.MNQ.Z25",
            deadline_s=60.0,
        )
        try:
            return await client.carry_out(command)
        finally:
            await client.close()
            await runner.cleanup()

    if fenced:
        with pytest.raises(FencedError, match="was replaced"):
            asyncio.run(scene())
    else:
        assert isinstance(asyncio.run(scene()), Done)
    assert asked == ([] if fenced else ["/api/Position/closeContract"])
