"""Acceptance on a PRACTICE account: `python -m tests.acceptance --config FILE --account NAME --out ZIP`.

Asks the live service what nobody can know from its documentation, with your consent for each step, and
keeps everything that was said as evidence. Refuses an account that the broker does not call simulated,
whose name does not begin as practice accounts' do, or that is not flat. Exit 0: everything was as
assumed (or not seen); 1: something was otherwise; 2: refused or not wanted.
"""

import argparse
import asyncio
import fnmatch
import json
import os
import sys
from pathlib import Path
from typing import Any

from actors.gateway.errors import GatewayError
from actors.runtime import Clock, SystemClock
from config.errors import ConfigError
from config.loader import Config, load
from messages.values import AccountRecord
from tests.acceptance import bundle, reading, trading
from tests.acceptance.assumptions import ASSUMPTIONS
from tests.acceptance.bench import WITHIN_S, Bench, Seen, unseen
from tests.acceptance.wire import Client, _json

STEPS = {
    "login": reading.login,
    "account": reading.account,
    "headers": reading.headers,
    "direct": reading.direct,
    "negotiated": reading.negotiated,
    "keepalive": reading.keepalive,
    "subscriptions": reading.subscriptions,
    "second-hub": reading.second_hub,
    "quotes": reading.quotes,
    "resting": trading.resting,
    "market": trading.market,
    "close": trading.close,
    "browser": reading.browser,
    "lockstep": trading.lockstep,
    "rate-limit": reading.rate_limit,
}
TRADING = {"resting", "market", "close", "lockstep"}
ONLY_WHEN_NAMED = {
    "browser": "needs a person: --browser",
    "rate-limit": "leaves the login unguarded for a minute: --rate-limit",
}


class RefusedError(Exception):
    """This run must not take place."""


def main(arguments: list[str] | None = None, clock: Clock | None = None) -> int:
    """Run it and return the exit code."""
    options = _options().parse_args(arguments)
    clock = clock or SystemClock()
    try:
        config = load(options.config, now=clock.now())
        return asyncio.run(_run(options, config, clock))
    except (RefusedError, ConfigError, FileExistsError, GatewayError) as error:
        print(f"acceptance: {error}", file=sys.stderr)  # noqa: T201 - a program for people
        return 2
    except KeyboardInterrupt:
        return 130


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.acceptance", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="configuration with the login")
    parser.add_argument("--account", required=True, help="the practice account, by id or name")
    parser.add_argument("--out", type=Path, required=True, help="the bundle to write")
    parser.add_argument("--product", default="MNQ", help="what is traded, one contract at a time")
    parser.add_argument("--practice", default="PRAC*", help="how practice accounts are called")
    parser.add_argument("--step", action="append", choices=STEPS, help="only these")
    parser.add_argument("--browser", action="store_true", help="try the platform beside it")
    parser.add_argument("--rate-limit", action="store_true", help="ask until the broker refuses")
    parser.add_argument("--yes", action="store_true", help="consent to every step, orders too")
    return parser


async def _run(options: argparse.Namespace, config: Config, clock: Clock) -> int:
    if options.out.exists():
        raise RefusedError(f"{options.out} is there already")
    if not options.yes and not sys.stdin.isatty():
        raise RefusedError("nobody can be asked for consent: say --yes")
    settings = config.login_settings(config.file.logins[0], os.environ)
    client = Client(settings, clock=clock)
    try:
        await client.authenticate()
        record = await _practice_account(client, options.account, options.practice)
        bench = Bench(
            settings=settings,
            client=client,
            clock=clock,
            record=record,
            contract=await _contract(client, options.product),
            ask=lambda text: _consent(f"{text} press"),
            config=_guarding(settings, record, options.product),
        )
        await _refuse_what_is_not_flat(bench)
        seen = await _steps(options, bench)
        _write(options.out, bench, seen)
    finally:
        await client.close()
    return 1 if any(each.verdict == "otherwise" for each in seen.values()) else 0


async def _practice_account(client: Client, name: str, pattern: str) -> AccountRecord:
    """Return the account's record if it is one that may be traded here."""
    from actors.gateway.decode import account_record_of

    records = [account_record_of(row) for row in await client.accounts(within_s=WITHIN_S)]
    found = next((each for each in records if name in {str(each.account), each.name}), None)
    if found is None:
        raise RefusedError(f"{name} is no active account of this login")
    if not found.simulated:
        raise RefusedError(
            f"{found.name}: the broker does not call it simulated; never on real money"
        )
    if not fnmatch.fnmatchcase(found.name, pattern):
        raise RefusedError(
            f"{found.name}: practice accounts are called {pattern} here; an evaluation is simulated "
            "too, and is not to be lost by a test. --practice says another pattern"
        )
    if found.can_trade is not True:
        raise RefusedError(f"{found.name}: the broker does not say that it may trade")
    return found


async def _contract(client: Client, product: str) -> dict[str, Any]:
    from actors.gateway.budget import Priority
    from actors.gateway.transport import Flight

    reply = await client.request(
        *("/Contract/available", {"live": False}),
        priority=Priority.READ, within_s=WITHIN_S, flight=Flight(),
    )  # fmt: skip
    for row in _json(reply.content)["contracts"]:
        if row["activeContract"] and str(row.get("symbolId", "")).endswith(f".{product}"):
            return row
    raise RefusedError(f"the broker lists no active contract of {product}")


def _guarding(settings: Any, record: AccountRecord, product: str) -> str:
    """Return a configuration in which holding the product at all is a breach."""
    return f"""
[[logins]]
name = "acceptance"
accounts = [{record.account}]
[broker]
api_url = "{settings.api_url}"
user_hub_url = "{settings.user_hub_url}"
market_hub_url = "{settings.market_hub_url}"
[http]
listen = "127.0.0.1:0"
[journal]
path = "{{folder}}/lockstep.db"
[defaults.rules.symbol_blocks]
patterns = ["{product}"]
"""


async def _refuse_what_is_not_flat(bench: Bench) -> None:
    held, working = await bench.held(), len(await bench.working())
    if held or working:
        raise RefusedError(
            f"{bench.record.name} holds {held} contracts and {working} orders; close them first"
        )


async def _steps(options: argparse.Namespace, bench: Bench) -> dict[str, Seen]:
    """Take the steps, each with its consent; whatever happens, nothing is left at the broker."""
    seen: dict[str, Seen] = {}
    try:
        for name in options.step or STEPS:
            seen[name] = await _step(options, bench, name)
            _say(f"{name:<14} {seen[name].verdict:<11} {seen[name].text}")
    finally:
        left = "" if bench.clean else await bench.undo()
        if bench.user is not None:
            await bench.user.close()
        if left:
            _say(f"ATTENTION: {left} on {bench.record.name}; close them in the platform")
    return seen


async def _step(options: argparse.Namespace, bench: Bench, name: str) -> Seen:
    step = STEPS[name]
    if name in ONLY_WHEN_NAMED and not getattr(options, name.replace("-", "_")):
        return unseen(ONLY_WHEN_NAMED[name])
    if name in TRADING and name != "lockstep" and bench.quoted is None:
        return unseen("no quote was heard, so nothing is traded")
    what = f"{name}: {(step.__doc__ or '').strip()}"
    what += " PLACES ORDERS." * (name in TRADING)
    if not options.yes and not _consent(f"{what} To do it, press"):
        return unseen("not wanted")
    bench.client.log.note("step", name)
    try:
        return await step(bench)
    except (GatewayError, OSError, AssertionError, KeyError, ValueError) as error:
        return unseen(f"it failed: {type(error).__name__}: {error}")


def _consent(text: str) -> bool:
    sys.stderr.write(f"{text} y and Enter: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "y"


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a program for people


def _write(path: Path, bench: Bench, seen: dict[str, Seen]) -> None:
    """Write the bundle: verdict per assumption, and what they rest on."""
    report = {
        "account": bench.record.account,
        "name": bench.record.name,
        "broker": bench.settings.api_url,
        "at": bench.clock.now().isoformat(),
        "steps": {
            name: {"verdict": each.verdict, "seen": each.text, "figures": each.figures}
            for name, each in seen.items()
        },
        "assumptions": {
            name: {
                "text": each.text,
                "steps": {step: seen[step].verdict for step in each.steps if step in seen},
                "not_provable": each.not_provable,
            }
            for name, each in ASSUMPTIONS.items()
        },
    }
    text = "\n".join(f"{name}: {each.verdict}: {each.text}" for name, each in seen.items())
    files = {
        "report.json": json.dumps(report, indent=1, default=str),
        "report.txt": text + "\n",
        "wire.jsonl": "\n".join(bench.client.log.lines()) + "\n",
    }
    if bench.journal:
        files["journal.jsonl"] = "\n".join(bench.journal) + "\n"
    bundle.write(path, {name: bench.client.secrets.blot(each) for name, each in files.items()})
    _say(f"evidence: {path}")


if __name__ == "__main__":
    sys.exit(main())
