"""The HTTP client: what it must never do by itself."""

import asyncio

from aiohttp import web

from actors.gateway.client import BrokerClient
from actors.gateway.settings import LoginSettings
from messages.commands import CloseContract
from messages.values import Uncertain


def test_a_redirected_close_is_not_sent_a_second_time(still_clock):
    """Whoever redirects has perhaps carried it out already."""
    asked = []

    async def redirect(request):
        asked.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async def scene():
        application = web.Application()
        application.router.add_post("/{rest:.*}", redirect)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = "http://{}:{}".format(*runner.addresses[0])
        client = BrokerClient(
            LoginSettings(
                name="x",
                username="u",
                api_key="k",
                api_url=f"{url}/api",
                user_hub_url=f"{url}/user",
                market_hub_url=f"{url}/market",
            ),
            clock=still_clock,
            alarm=lambda *_: None,
            report_time=lambda *_: None,
            fence=str,
        )
        client.session_token = "opaque"  # so that it does not log in first
        command = CloseContract(
            account=1,
            at=still_clock.now(),
            cause="test",
            command_id="c1",
            deadline_s=60,
            contract="CON.F.US.MNQ.Z25",
        )
        try:
            return await client.carry_out(command)
        finally:
            await client.close()
            await runner.cleanup()

    outcome = asyncio.run(scene())

    assert isinstance(outcome, Uncertain)
    assert asked == ["/api/Position/closeContract"]
