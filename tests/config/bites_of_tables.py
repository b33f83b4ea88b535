"""Bites of everything that is not a rule's parameter: `[table].key`, `[array][].key`."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import main
from actors.ops.doctor.sleep import SLEEP, TARGETS, SleepRead, judge_sleep
from config.errors import ConfigError
from messages.events import AccountLocked
from messages.facts import PositionChanged, QuoteHeard
from messages.values import Position, Quote
from tests.config.stage import (
    NEXT_DAY_S,
    RESET_S,
    Bite,
    Stage,
    after,
    after_fill,
    at_start,
    sizes,
)
from tests.rig import NOON, TOKENS, A, B, config_of, contract

LOGIN = '[[logins]]\nname = "desk"\n'
HTTP = '[http]\nlisten = "127.0.0.1:0"\n'
LIMIT = "[{}.rules.max_contracts]\nlimit = {}\n"


def files(template: str, one: Any, other: Any) -> tuple[str, str]:
    """Return two files of one template."""
    return template.replace("§", str(one)), template.replace("§", str(other))


def arrives(field: str) -> Callable[[Stage], Any]:
    """Return a play that sees a value arrive at the port to the broker."""

    def play(stage: Stage) -> Any:
        config = stage.load()
        return getattr(config.login_settings(config.file.logins[0], TOKENS), field)

    return play


def _broker() -> Iterator[tuple[str, Bite]]:
    streams, session = "tests/gateway/test_streams.py::", "tests/gateway/test_session.py::"
    hub = "tests/gateway/test_addresses.py::test_the_{}_hub_is_looked_for_at_its_own_address"
    for key, one, other, test in (
        (
            "api_url",
            "http://a/api",
            "http://b/api",
            session + "test_a_broker_that_is_not_there_is_unreachable",
        ),
        ("user_hub_url", "http://a/hubs/user", "http://b/hubs/user", hub.format("user")),
        ("market_hub_url", "http://a/hubs/market", "http://b/hubs/market", hub.format("market")),
    ):
        made = files(f'{LOGIN}[broker]\n{key} = "§"\n', one, other)
        yield key, Bite(made, arrives(key), (one, other), and_then=test)
    for key, field, one, other, test in (
        (
            *("requests_per_minute", "budget_requests", 4, 200),
            "tests/gateway/test_commands.py::test_without_budget_a_command_is_not_sent_and_an_alarm_says_why",
        ),
        (
            *("silence_s", "silence_s", 0.6, 30.0),
            streams + "test_a_hub_that_falls_silent_is_lost_and_replaced",
        ),
        (
            *("reconcile_every_s", "reconcile_every_s", 0.05, 5.0),
            streams + "test_accounts_are_asked_in_turn_to_compare_themselves",
        ),
    ):
        made = files(f"{LOGIN}[broker]\n{key} = §\n", one, other)
        yield key, Bite(made, arrives(field), (one, other), and_then=test)


def _logins() -> Iterator[tuple[str, Bite]]:
    def credentials(field: str) -> Callable[[Stage], Any]:
        def play(stage: Stage) -> Any:
            config = stage.load()
            values = {**TOKENS, "DESK_USER": "other", "DESK_KEY": "other"}
            return getattr(config.login_settings(config.file.logins[0], values), field)

        return play

    def guarded(stage: Stage) -> list[int]:
        return [each.account for each in stage.run().system.status().accounts]

    def named(stage: Stage) -> str:
        config = stage.load()
        return config.login_settings(config.file.logins[0], TOKENS).name

    session = "tests/gateway/test_session.py::"
    refused = session + "test_a_wrong_key_is_refused_with_the_codes_name_and_without_the_key"
    yield (
        "name",
        Bite(
            files('[[logins]]\nname = "§"\n', "desk", "firm"),
            named,
            ("desk", "firm"),
            and_then=session + "test_opening_a_session_lists_the_accounts",
        ),
    )
    for key, field, one, usual in (
        ("username_env", "username", "DESK_USER", "trader"),
        ("api_key_env", "api_key", "DESK_KEY", "canary-api-key"),
    ):
        default = "PROJECT_X_USERNAME" if field == "username" else "PROJECT_X_API_KEY"
        yield (
            key,
            Bite(
                files(f'{LOGIN}{key} = "§"\n', default, one),
                credentials(field),
                (usual, "other"),
                and_then=refused,
            ),
        )
    yield "accounts", Bite(files(f"{LOGIN}accounts = [§]\n{HTTP}", A, B), guarded, ([A], [B]))
    profiles = LIMIT.format("profiles.a", 1) + LIMIT.format("profiles.b", 2)
    yield (
        "profile",
        Bite(
            files(f'{LOGIN}profile = "§"\n{HTTP}{profiles}', "a", "b"),
            after(("MNQ", 3)),
            ({"MNQ": 1}, {"MNQ": 2}),
        ),
    )


def _own_rules() -> Iterator[tuple[str, Bite]]:
    """Profiles, defaults and accounts: each of their keys changes whose limit holds."""
    three, seen = after(("MNQ", 3)), ({"MNQ": 1}, {"MNQ": 2})
    head = LOGIN + HTTP
    profiles = LIMIT.format("profiles.a", 1) + LIMIT.format("profiles.b", 2)
    picks = f'[defaults]\nprofile = "§"\n{profiles}'
    yield "[defaults].profile", Bite(files(head + picks, "a", "b"), three, seen)
    yield "[defaults].rules", Bite(files(head + LIMIT.format("defaults", "§"), 1, 2), three, seen)
    one = f'[defaults]\nprofile = "a"\n{LIMIT.format("profiles.a", "§")}'
    yield "[profiles].<name>.rules", Bite(files(head + one, 1, 2), three, seen)
    yield (
        "[profiles]",
        Bite(files(head + one, 1, 2), three, seen),
    )  # a table of tables: its rules are all it has
    override = (
        f"{LIMIT.format('defaults', 2)}[[accounts]]\naccount = §\n{LIMIT.format('accounts', 1)}"
    )
    yield "[accounts][].account", Bite(files(head + override, A, B), three, seen)
    picked = f'{profiles}[[accounts]]\naccount = {A}\nprofile = "§"\n'
    yield "[accounts][].profile", Bite(files(head + picked, "a", "b"), three, seen)
    own = f"[[accounts]]\naccount = {A}\n{LIMIT.format('accounts', '§')}"
    yield "[accounts][].rules", Bite(files(head + own, 1, 2), three, seen)


def _days() -> Iterator[tuple[str, Bite]]:
    loss = config_of(daily_realized_loss={"max_loss_usd": 100}) + "\n"
    late = after_fill("-100")
    yield (
        "[trading_day].reset",
        Bite(
            files(f'{loss}[trading_day]\nreset = "§"\n', "17:00", "16:00"),
            late,
            ([RESET_S], [RESET_S - 3600]),
        ),
    )
    yield (
        "[trading_day].timezone",
        Bite(
            files(f'{loss}[trading_day]\ntimezone = "§"\n', "America/Chicago", "America/New_York"),
            late,
            ([RESET_S], [RESET_S - 3600]),
        ),
    )

    def on_a_day_of_the_table(stage: Stage) -> list[float | None]:
        for name, day in (("today", "2025-10-29"), ("later", "2026-10-29")):
            (stage.folder / f"{name}.toml").write_text(
                'source = "test"\nchecked = "2025-01-01"\nexpires = "2026-12-31"\n'
                f'timezone = "America/Chicago"\nholidays = ["{day}"]\n[early_closes]\n'
            )
        return at_start(stage)

    hours = config_of(session_block_outside={"start": "08:30", "end": "15:00"}) + "\n"
    yield (
        "[calendar].file",
        Bite(
            files(f'{hours}[calendar]\nfile = "§.toml"\n', "today", "later"),
            on_a_day_of_the_table,
            ([NEXT_DAY_S], []),
        ),
    )


def _money() -> Iterator[tuple[str, Bite]]:
    loss = config_of(daily_realized_loss={"max_loss_usd": 100}) + "\n"
    yield (
        "pnl",
        Bite(
            files(f'{loss}[money]\npnl = "§"\n', "net", "gross"),
            after_fill("-95", fees="5"),
            ([RESET_S], []),
        ),
    )

    def held_at(stage: Stage) -> Decimal | None:
        run = stage.run()
        run.price("MNQ", "21000")
        run.order(A, "MNQ", 1)
        quote = Quote(
            contract=contract("MNQ"),
            last=Decimal(21000),
            bid=Decimal(20990),
            ask=Decimal(21010),
            at=run.clock.now() + timedelta(milliseconds=1),
        )
        told = QuoteHeard(at=quote.at, cause="quote", login="desk", quote=quote)
        run.do(lambda gateway: gateway._directory.tell("quotes", told))
        return run.status().open_usd

    yield (
        "mark",
        Bite(
            files(f'{loss}[money]\nmark = "§"\n', "last", "conservative"),
            held_at,
            (Decimal(0), Decimal(-20)),
        ),
    )

    def health(stage: Stage) -> str:
        run = stage.run()
        run.price("MNQ", "21000")
        run.order(A, "MNQ", 1)
        run.advance(8)
        return str(run.status().health.value)

    yield (
        "quote_max_age_s",
        Bite(files(f"{loss}[money]\nquote_max_age_s = §\n", 5, 10), health, ("stale", "live")),
    )


def _quotes() -> Iterator[tuple[str, Bite]]:
    loss = config_of(daily_unrealized_loss={"max_loss_usd": 50}) + "\n"

    def held_at(price: str, later_s: float) -> Callable[[Stage], dict[str, int]]:
        def play(stage: Stage) -> dict[str, int]:
            run = stage.run()
            run.price("MNQ", "20000")
            run.order(A, "MNQ", 1)
            run.price("MNQ", price)
            run.advance(later_s)
            return sizes(run)

        return play

    yield (
        "max_jump_percent",
        Bite(
            files(f"{loss}[quotes]\nmax_jump_percent = §\n", "0.25", "0.24"),
            held_at("19950", 0),
            ({}, {"MNQ": 1}),
        ),
    )
    yield (
        "confirm_within_s",
        Bite(
            files(f"{loss}[quotes]\nconfirm_within_s = §\n", 0.25, 0.5),
            held_at("19000", 0.3),
            ({}, {"MNQ": 1}),
        ),
    )


def _health() -> Iterator[tuple[str, Bite]]:
    def told_late(stage: Stage) -> str:
        """A position is told three seconds after the gateway had received it."""
        run = stage.run()
        position = Position(contract=contract("MNQ"), size=1, average_price=Decimal(21000))
        came = run.clock.now() - timedelta(seconds=3)
        told = PositionChanged(account=A, at=came, cause="test", position=position)
        run.do(lambda gateway: gateway._directory.tell(f"account/{A}", told))
        return str(run.status().health.value)

    made = files(f"{LOGIN}{HTTP}[health]\nlate_after_s = §\n", 1, 4)
    yield "late_after_s", Bite(made, told_late, ("stale", "live"))


def _enforcement() -> Iterator[tuple[str, Bite]]:
    loss = config_of(daily_realized_loss={"max_loss_usd": 100}) + "\n"

    def hanging(stage: Stage) -> int:
        run = stage.run()
        run.order(A, "MNQ", 1)
        run.broker.hanging[A] = False
        run.fill(A, "-100")
        run.advance(3)
        return len(run.events(AccountLocked))

    yield (
        "deadline_s",
        Bite(files(f"{loss}[enforcement]\ndeadline_s = §\n", 2, 5), hanging, (1, 0)),
    )

    def journal_s(stage: Stage) -> float:
        config = stage.load()
        (account,) = stage.rigs(stage.config, accounts=(A,)).system.accounts.values()
        assert account.journal_deadline_s == config.file.enforcement.journal_deadline_s
        return account.journal_deadline_s

    yield (
        "journal_deadline_s",
        Bite(
            files(f"{loss}[enforcement]\njournal_deadline_s = §\n", 0.25, 0.5),
            journal_s,
            (0.25, 0.5),
            and_then="tests/scenarios/test_failing_store.py::"
            "test_a_sync_that_takes_seconds_delays_enforcement_by_the_journals_deadline_only",
        ),
    )


def _rest() -> Iterator[tuple[str, Bite]]:
    def port(stage: Stage) -> str:
        run = stage.run()
        assert run.system.http
        return run.system.http.url.rpartition(":")[0]

    yield (
        "[http].listen",
        Bite(
            files(f'{LOGIN}[http]\nlisten = "§:0"\n', "127.0.0.1", "localhost"),
            port,
            ("http://127.0.0.1", "http://localhost"),
        ),
    )

    def loads(stage: Stage) -> bool:
        try:
            stage.load()
        except ConfigError:
            return False
        return True

    yield (
        "[http].allow_remote",
        Bite(
            files(f'{LOGIN}[http]\nlisten = "192.0.2.1:0"\nallow_remote = §\n', "false", "true"),
            loads,
            (False, True),
            and_then="tests/security/test_remote.py::"
            "test_beyond_loopback_even_reading_needs_the_token",
        ),
    )

    def verified(stage: Stage) -> int:
        stage.load()
        place = stage.folder / "mine.toml"
        run = stage.run()
        run.stop()
        place.write_text(stage.config.replace("${FOLDER}", str(stage.folder)))
        return main.main(["journal", "verify", "--config", str(place)])

    yield (
        "[journal].path",
        Bite(
            files(f'{LOGIN}{HTTP}[journal]\npath = "${{FOLDER}}/§.db"\n', "lockstep", "nowhere"),
            verified,
            (0, 70),
        ),
    )

    def anchored(stage: Stage) -> set[str]:
        run = stage.run()
        run.stop()
        return {each.name for each in stage.folder.iterdir() if "anchor" in each.name}

    apart = f'{LOGIN}{HTTP}[journal]\nanchor = "${{FOLDER}}/§/anchor"\n'
    yield (
        "[journal].anchor",
        Bite(files(apart, "0", "elsewhere"), anchored, ({"anchor"}, set())),
    )

    def archived(stage: Stage) -> int:
        run = stage.run()
        run.at(NOON + timedelta(days=9))
        run.stop()
        again = stage.run(broker=run.broker)
        again.stop()
        return sum(each.suffix == ".archive" for each in stage.folder.iterdir())

    yield (
        "[journal].keep_days",
        Bite(files(f"{LOGIN}{HTTP}[journal]\nkeep_days = §\n", "7", "0"), archived, (1, 0)),
    )

    def accepted(stage: Stage) -> bool:
        try:
            stage.load()
        except ConfigError:
            return False
        return True

    clash = LIMIT.format("defaults", 1) + (
        '[defaults.rules.max_contracts_per_instrument]\nlimits = { MNQ = 2 }\nunknown = "allow"\n'
    )
    yield (
        "[checks].allow",
        Bite(
            files(f"{LOGIN}{clash}[checks]\nallow = [§]\n", "", '"product_limit_above_total"'),
            accepted,
            (False, True),
        ),
    )

    def lets_sleep(stage: Stage) -> str:
        asleep = SleepRead(unmasked=TARGETS, idle="suspend")
        accepted = SLEEP.name in stage.load().file.doctor.accept
        (found,) = judge_sleep(asleep, accepted=accepted)
        return found.level

    yield (
        "[doctor].accept",
        Bite(
            files(f"{LOGIN}[doctor]\naccept = [§]\n", "", '"sleep"'),
            lets_sleep,
            ("critical", "warning"),
            and_then="tests/ops/test_doctor.py::"
            "test_a_machine_that_falls_asleep_is_let_pass_only_knowingly",
        ),
    )


def table_bites() -> Iterator[tuple[str, Bite]]:
    """Yield the bites of all tables by their keys."""
    for table, bites in (
        ("[broker].", _broker()),
        ("[logins][].", _logins()),
        ("[money].", _money()),
        ("[quotes].", _quotes()),
        ("[health].", _health()),
        ("[enforcement].", _enforcement()),
        ("", _own_rules()),
        ("", _days()),
        ("", _rest()),
    ):
        yield from ((f"{table}{key}", bite) for key, bite in bites)
