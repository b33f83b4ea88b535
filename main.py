"""Lockstep's command line: builds the system from a configuration and nothing else.

Data goes to stdout, logs to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 69 broker unreachable,
70 store unusable, 71 what every account needs cannot be kept alive (start it again), 72 machine unfit for
a first start, 75 another instance holds the journal (or has taken it), 77 login or token refused, 78 bad
configuration, 130 interrupted.
`actors/ops/exits.py` says which of them a watchdog starts again.
"""

import errno
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import cyclopts
import structlog
from cyclopts import Parameter, validators

from actors import private
from actors.journal import LeaseHeldError, Store, StoreError
from actors.ops import exits, journal_app
from actors.ops.console import Console, ErrorConsole
from actors.ops.init.options import Options
from actors.ops.logging import configure_logging, silence_logging, without
from actors.ops.stopping import Ending, Stop
from actors.ops.terminal import (
    DEFAULT,
    ConfigPath,
    Json,
    can_ask,
    end,
    fail,
    open_streams,
    print_json,
)
from actors.runtime import SystemClock, collector
from config.errors import ConfigError
from config.loader import Config, load, load_bytes
from messages import codec

if TYPE_CHECKING:
    from actors.ops.claims import Claims
    from actors.ops.doctor import Examination
    from actors.ops.notify import Notifier
    from actors.system import System

NO_ANSWERS = Options()

END_WITHIN_S = 20.0
"""How long the ordered stop may take when it gives up: what hangs must not keep it from its end."""

type Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
type AccountCount = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1000))]
type Shadow = Annotated[bool, Parameter(negative="")]
type Seconds = Annotated[float, Parameter(validator=validators.Number(gte=1, lte=3600))]


def _version() -> str:
    from actors.system import VERSION

    return VERSION


app = cyclopts.App(
    name="lockstep",
    help="Risk manager for multi-account prop-firm deployments on ProjectX: enforce, then lock.",
    version=_version,
    version_flags=["--version"],
)
app.command(journal_app.app)


@app.command
def demo(*, journal: Path | None = None, scenario: Path | None = None) -> int:
    """Play the case Lockstep grew from against the embedded simulator (a few seconds).

    Args:
        journal: Keep the journal in this new file; otherwise it is thrown away.
        scenario: Play this scenario file instead; exit 1 when something is not as it says.
    """
    from actors.demo import Demo

    if scenario is not None:
        return _play(scenario, journal)

    silence_logging()
    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Demo(console=Console()).play(journal)
    except FileExistsError as error:
        return fail(exits.USAGE, str(error))
    except TimeoutError as error:
        return fail(exits.FAILURE, f"the demo did not go as it must: {error}")
    return 0


def _play(path: Path, journal: Path | None) -> int:
    from actors.scenario.performance import perform
    from actors.scenario.reading import ScenarioError, read
    from actors.simulator import RefusedError

    if journal is not None:
        return fail(exits.USAGE, "--journal goes with the demo's own case, not with --scenario")
    try:
        scenario = read(path)
    except ScenarioError as error:
        return fail(exits.USAGE, str(error))
    if missing := scenario.missing_rules():
        return fail(exits.USAGE, f"{path}: this build has no {', '.join(missing)}")
    silence_logging()
    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return 0 if perform(scenario, Console()) else exits.FAILURE
    except RefusedError as error:
        return fail(exits.FAILURE, f"{path}: the broker refuses what the scenario does: {error}")


@app.command(name="init")
def make_config(
    options: Options = NO_ANSWERS,
    *,
    config: Annotated[Path, Parameter(name=["--config", "-c"])] = Path("lockstep.toml"),
) -> int:
    """Ask a few questions, find your accounts, and write a configuration of your own.

    The credentials are read from the environment and written nowhere. Without a terminal everything it
    would ask must be given as options. Nothing is written over. It ends with what `doctor` finds.

    Args:
        options: The answers.
        config: The new file.
    """
    from actors.ops.doctor import print_examination
    from actors.ops.init.command import Init, next_steps
    from config.report import print_report

    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    made = Init(config, options, SystemClock(), os.environ).run()
    if isinstance(made, int):
        return made
    print_report(made, Console())
    print_examination(_examined(made, send_test=False), Console())
    print("\n".join(["", *next_steps(config)]))
    return 0


@app.command
def run(
    *,
    config: ConfigPath = DEFAULT,
    standby: bool = False,
    shadow: Shadow = False,
    verbose: bool = False,
) -> int:
    """Guard the configured accounts until SIGINT or SIGTERM; SIGHUP reloads the configuration.

    SIGUSR1 writes how every actor stands, and every thread's stack, to a file beside the journal.
    One journal is guarded by one process: a second one ends at once with exit code 75. Exit 71: journal,
    clock or supervisor could not be kept alive; start it again at once.

    Args:
        config: Configuration file.
        standby: While another process guards, wait for its end, then take over.
        shadow: Only watch every account: judge, journal and tell all, close and lock NOTHING.
        verbose: Log every fact, not only decisions.
    """
    from actors.ops.claims import Claims
    from actors.ops.notify import Notifier

    level = logging.DEBUG if verbose else logging.INFO

    def begin_log(of: Config) -> None:
        configure_logging(level, of.secrets(os.environ), shadow=shadow)
        _warn(of)

    loaded = load(config, now=SystemClock().now())
    begin_log(loaded)
    if shadow:
        what = "every account is only watched; NOTHING is closed, cancelled or locked"
        structlog.get_logger(actor="main").warning("run_in_shadow", say=what)
    with closing(Notifier(os.environ)) as notifier, closing(Claims()) as claims:
        return _guard(loaded, begin_log, notifier, claims, standby=standby, shadow=shadow)


def _guard(
    loaded: Config,
    begin_log: Callable[[Config], None],
    notifier: "Notifier",
    claims: "Claims",
    *,
    standby: bool,
    shadow: bool,
) -> int:
    from actors.ops import arming
    from actors.ops.dump import Dumps
    from actors.ops.notify import JOURNAL, READY, STOPPING
    from actors.ops.pulse import Pulse, name_threads
    from actors.ops.standby import newest, stand_by
    from actors.system import System

    clock = SystemClock()
    path, anchor = Path(loaded.file.journal.path), _anchor_of(loaded)
    dumps = Dumps(path, clock=clock, clean=without(loaded.secrets(os.environ)))
    continues = os.environ.get(JOURNAL)
    store = None if standby else Store.open(path, clock=clock, anchor=anchor, continues=continues)
    _load_sdk()
    stop = Stop()
    if store is None:
        stop.on_hangup(lambda: None)
        store = stand_by(
            path,
            anchor,
            clock=clock,
            notifier=notifier,
            ended=stop.ended,
            continues=continues,
        )
        if store is None:
            return stop.wait().code
        loaded = newest(loaded, now=clock.now())
        begin_log(loaded)  # it may know other secrets
        dumps.clean = without(loaded.secrets(os.environ))
    try:
        if not shadow:
            claims.take(loaded, os.environ, clock)
    except ConfigError:
        store.close()
        raise
    if refused := arming.refusal(store, loaded, clock):
        store.close()
        return fail(*refused)
    identity = store.mark().store
    system = System(
        config=loaded,
        clock=clock,
        environment=os.environ,
        on_give_up=stop.give_up,
        store=store,
        shadow=shadow,
        examine=arming.faults,
    )
    dumps.describe, dumps.loops = system.describe, system.loops
    stop.on_hangup(lambda: _reload(system))
    system.start()
    if system.http:
        structlog.get_logger(actor="main").info("listening", url=system.http.url)
    collector.settle()  # the SDK alone leaves 60,000 objects behind
    name_threads()
    status = "STATUS=SHADOW: nothing is enforced" if shadow else "STATUS=guarding"
    notifier.tell(READY, f"{JOURNAL}={identity}", status)
    with Pulse(
        vital=system.vital,
        fence=system.fence,
        alone=system.alarm_unwatched,
        notifier=notifier,
        clock=clock,
    ):
        ending = stop.wait()
    notifier.tell(STOPPING, f"STATUS={ending.reason}")
    if ending.code == exits.LEASE and not path.exists():
        # Who starts it again after 75 would begin a new journal, which knows of no lock.
        ending = ending._replace(code=exits.STORE)
    return _end(system, ending)


def _anchor_of(config: Config) -> Path | None:
    anchor = config.file.journal.anchor
    return Path(anchor) if anchor else None


def _warn(config: Config) -> None:
    """Log what is allowed in a configuration but should be known."""
    log = structlog.get_logger(actor="main")
    for text in config.warnings:
        log.warning("config_warning", config=str(config.path), text=text)


def _end(system: "System", ending: Ending) -> int:
    """Stop in order, as far as that can be done in time; return the exit code, and say why if not 0.

    Who has asked for it waits, a stand-by for the lease too: what hangs must not keep it from its end.
    """

    def say(error: str) -> int:
        if not error and ending.code in {0, exits.INTERRUPTED}:
            return ending.code
        again = "start it again: a new process starts from the journal"
        advice = again if ending.code == exits.SYSTEM else ""
        return fail(
            ending.code or exits.FAILURE, "; ".join(filter(None, (ending.reason, error, advice)))
        )

    def cut_short() -> None:
        end(say(f"not everything had stopped after {END_WITHIN_S:g} s"))

    last = threading.Timer(END_WITHIN_S, cut_short)
    last.daemon = True
    last.start()
    try:
        system.stop(ending.reason)
    except Exception as error:  # noqa: BLE001 - it ends all the same
        structlog.get_logger(actor="main").error("stop_failed", error=repr(error))
        return say("not everything stopped in order; the log says what")
    finally:
        last.cancel()
    return say("")


@app.command
def watchdog(
    *,
    config: ConfigPath = DEFAULT,
    standby: bool = False,
    shadow: Shadow = False,
    verbose: bool = False,
    limit_s: Seconds = 10.0,
) -> int:
    """Start `run` as a process of its own, watch it, and start it again when it stalls or dies.

    SIGTERM, SIGINT, SIGHUP and SIGUSR1 are passed on. It ends with the guard's exit code where
    starting it again cannot help: 0, 2, 70, 72, 75 (before it ever guarded), 77, 78, 130.

    Args:
        config: Configuration file.
        standby: While another process guards, wait for its end, then take over.
        shadow: Only watch every account: judge, journal and tell all, close and lock NOTHING.
        verbose: Log every fact, not only decisions.
        limit_s: Seconds without a heartbeat after which the guard is killed.
    """
    from actors.ops.guard import Limits
    from actors.ops.watchdog import Watchdog
    from actors.system import RESTARTED_VARIABLE

    def command(stands_by: bool) -> list[str]:
        words = [sys.executable, str(Path(__file__).resolve()), "run", "--config", str(config)]
        words += ["--standby"] * (standby or stands_by) + ["--shadow"] * shadow
        return words + ["--verbose"] * verbose

    configure_logging(logging.INFO)
    return Watchdog(
        command,
        environment=os.environ,
        restarted_variable=RESTARTED_VARIABLE,
        clock=SystemClock(),
        limits=Limits(silence_s=limit_s),
    ).run()


def _reload(system: "System") -> None:
    """Go over to the changed file, or say why not and go on as before; runs on the main thread."""
    log = structlog.get_logger(actor="main")
    try:
        done = system.reload(system.config.path)
    except ConfigError as error:
        log.error("reload_refused", config=str(error.path), complaints=error.complaints)  # noqa: TRY400
    except Exception:
        log.exception("reload_failed")  # whatever it is, the guard goes on
    else:
        log.info("reloaded", config=done.config, config_version=done.config_version)
        _warn(system.config)


@app.command
def simulate(*, port: Port = 9797, accounts: AccountCount = 5, walk: bool = True) -> int:
    """Serve a simulated ProjectX gateway on 127.0.0.1 until SIGINT or SIGTERM.

    Args:
        port: Port for REST, both hubs and the control API; 0 = any free one.
        accounts: How many accounts the user has.
        walk: Let the prices of MNQ and MES walk at random.
    """
    from actors.simulator import PortInUseError, SimAccount, Simulator, SimUser
    from actors.simulator.contracts import catalogue

    users = (SimUser("sim", "sim-api-key", tuple(SimAccount(1001 + n) for n in range(accounts))),)
    simulator = Simulator(clock=SystemClock(), users=users, port=port)
    stop = Stop()
    try:
        simulator.start()
    except PortInUseError as error:
        return fail(exits.FAILURE, str(error))
    root = simulator.api_url.removesuffix("/api")
    if walk:
        for contract in catalogue(SystemClock().now().date()).values():
            if contract.active and contract.product.symbol in {"MNQ", "MES"}:
                simulator.control.start_walk(contract.id)
    print(
        f"ProjectX gateway simulated at {root}\n"
        f"  api_url        = {simulator.api_url}\n"
        f"  user_hub_url   = {simulator.user_hub_url}\n"
        f"  market_hub_url = {simulator.market_hub_url}\n"
        f"  control        = {simulator.control_url}\n"
        f"  credentials    : PROJECT_X_USERNAME=sim PROJECT_X_API_KEY=sim-api-key\n"
        f"  accounts       : 1001 to {1000 + accounts}",
        flush=True,
    )
    ending = stop.wait()
    simulator.stop()
    return ending.code


@app.command
def check(*, config: ConfigPath = DEFAULT, json: Json = False) -> int:
    """Check a configuration file; print every account's rules and where each value came from.

    Args:
        config: Configuration file.
        json: Print one JSON object.
    """
    from config.report import print_report, report

    loaded = load(config, now=SystemClock().now())
    if json:
        print_json(report(loaded))
    else:
        print_report(loaded, Console())
    return 0


@app.command
def doctor(
    *,
    config: ConfigPath = DEFAULT,
    send_test: Annotated[bool, Parameter(negative="")] = False,
    shadow: Shadow = False,
    json: Json = False,
) -> int:
    """Look whether everything a guard needs is there, and say what to do; nothing is armed.

    Exit 0 when nothing is critical; else the code a first start would end with: 1, 69, 70, 72, 77, 78.

    Args:
        config: Configuration file.
        send_test: Send a test message over every alert channel.
        shadow: Look as before `run --shadow`, which refuses to only watch what is locked in truth.
        json: Print one JSON object.
    """
    from actors.ops.doctor import print_examination

    loaded = load(config, now=SystemClock().now())
    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    done = _examined(loaded, send_test=send_test, shadow=shadow)
    if json:
        print_json(done)
    else:
        print_examination(done, Console())
    return done.exit_code


def _examined(loaded: Config, *, send_test: bool, shadow: bool = False) -> "Examination":
    from actors.ops.doctor import examine

    configure_logging(logging.CRITICAL, loaded.secrets(os.environ))
    return examine(
        loaded,
        version=_version(),
        clock=SystemClock(),
        environment=os.environ,
        send_test=send_test,
        shadow=shadow,
    )


@app.command
def rules(rule: str | None = None, /, *, json: Json = False) -> int:
    """List the rules and every parameter they take.

    Args:
        rule: Only this one, by id (RULE-003) or by its key in a configuration.
        json: Print one JSON array.
    """
    from actors.rules.manual import find_pages, lines_of, manual

    pages = find_pages(rule) if rule else manual()
    if not pages:
        known = ", ".join(page.key for page in manual())
        return fail(exits.USAGE, f"there is no rule {rule!r}; known are {known}")
    if json:
        print_json(pages)
    else:
        for page in pages:
            print("\n".join([*lines_of(page), ""]))
    return 0


@app.command(name="import")
def import_files(
    *files: Annotated[Path, Parameter(negative="")], out: Path | None = None, force: bool = False
) -> int:
    """Convert the YAML files of the system Lockstep grew from; says what is not the same.

    Args:
        files: Its risk_config.yaml, timers_config.yaml and accounts.yaml.
        out: Write the configuration to this new file; otherwise it is printed.
        force: Write over a file that is there.
    """
    from config.importer import ImportFault, convert, read

    if not files:
        return fail(exits.USAGE, "name the files to import: risk_config.yaml and those beside it")
    if out and out.exists() and not force:
        return fail(exits.USAGE, f"{out} is there already; choose another name, or say --force")
    try:
        imported = convert([read(path) for path in files])
    except ImportFault as error:
        return fail(exits.CONFIG, str(error))
    text = imported.text.encode()
    if out:
        try:
            private.write_file(out, text, replace=force)
        except OSError as error:
            return fail(exits.FAILURE, f"{out} cannot be written: {error.strerror}")
    else:
        sys.stdout.write(imported.text)
    print("\n".join(imported.notes), file=sys.stderr)
    load_bytes(out or Path("imported.toml"), text, now=SystemClock().now())
    if imported.undecided:
        return fail(exits.CONFIG, "decide what is listed above, then `check` the configuration")
    return 0


@app.command
def status(
    *,
    config: ConfigPath = DEFAULT,
    watch: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Show how every account stands: from the running process, else from the journal.

    Args:
        config: Configuration file (for the address and the journal).
        watch: Show it anew every second until Ctrl-C; where no terminal is, one line per change.
        json: Print one JSON object.
    """
    from actors.ops.status import current_status
    from actors.ops.status_table import print_status
    from actors.ops.status_watch import watch_status

    if watch and json:
        return fail(exits.USAGE, "--json prints once: leave out --watch, or ask again and again")
    loaded = load(config, now=SystemClock().now())
    answer = current_status(loaded, SystemClock(), os.environ)
    if json:
        sys.stdout.write(codec.to_json(answer).decode() + "\n")
    elif watch:
        watch_status(answer, lambda: current_status(loaded, SystemClock(), os.environ))
    else:
        print_status(answer)
    return 0


@app.command
def reload(*, config: ConfigPath = DEFAULT, json: Json = False) -> int:
    """Have the running process go over to its changed configuration.

    What is stricter applies at once, what is looser at the next reset; no lockout is touched. An
    invalid file changes nothing. Needs LOCKSTEP_TOKEN, as the process was started with it.

    Args:
        config: Configuration file the process was started with.
        json: Print one JSON object.
    """
    from actors.ops.reload import ask_reload, lines_of

    loaded = load(config, now=SystemClock().now())
    answer = ask_reload(loaded, os.environ)
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if json:
        print_json(answer)
    else:
        print("\n".join(lines_of(answer)))
    return exits.FAILURE if answer.unanswered else 0


@app.command
def lock(
    account: str,
    /,
    *,
    reason: str,
    how_long: Annotated[str | None, Parameter(name="--for")] = None,
    until: str | None = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
    config: ConfigPath = DEFAULT,
    json: Json = False,
) -> int:
    """Lock an account out: everything is closed and cancelled, then it is locked until then.

    NOTHING ends it earlier: no command, no restart, no reset; it can only be made longer. Needs
    LOCKSTEP_TOKEN, as the process was started with it.

    Args:
        account: Account id, or its name.
        reason: Why, for the record.
        how_long: How long, e.g. 30m, 2h, 1h30m.
        until: Until when instead: 15:30 in the trading day's zone, or an ISO time.
        yes: Do not ask whether it is meant.
        config: Configuration file the process was started with.
        json: Print one JSON object.
    """
    from actors.ops.lock import is_confirmed, lock_account, wish
    from actors.ops.lock_times import TimeError

    clock = SystemClock()
    loaded = load(config, now=clock.now())
    zone = loaded.context.trading_day.zone
    try:
        asked = wish(account, how_long, until, reason, zone=zone, now=clock.now())
    except TimeError as error:
        return fail(exits.USAGE, str(error))
    if not yes and not can_ask():
        return fail(exits.USAGE, "nobody can be asked whether this is meant: say --yes")
    if not yes and not is_confirmed(asked):
        return fail(exits.FAILURE, "not confirmed; nothing was locked")
    return lock_account(loaded, os.environ, clock, asked, json=json)


def _load_sdk() -> None:
    """Import the SDK now: it brings polars, which takes SIGINT away; handlers set afterwards hold."""
    import actors.gateway.client  # noqa: F401


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        return _answered(arguments)
    except ConfigError as error:
        return fail(exits.CONFIG, str(error))
    except LeaseHeldError as error:
        return fail(exits.LEASE, str(error))
    except StoreError as error:
        return fail(exits.STORE, str(error))
    except KeyboardInterrupt:
        return exits.INTERRUPTED


def _answered(arguments: list[str] | None) -> int:
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()  # here, where a reader that has gone is no error
    except BrokenPipeError:
        _leave_stdout()
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _leave_stdout()
        return fail(exits.FAILURE, f"the answer could not be written: {error.strerror}")
    return code


def _leave_stdout() -> None:
    """Let what is still to be written to stdout go nowhere, or Python's own end fails on it again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(arguments: list[str] | None) -> int:
    from actors.gateway import BrokerUnreachableError, LoginRefusedError
    from actors.ops.asking import NotRunningError, TokenRefusedError
    from actors.ops.http import PortInUseError
    from actors.ops.status import NoAnswerError

    try:
        result = app(
            arguments,
            exit_on_error=False,
            result_action="return_value",
            console=Console(),
            error_console=ErrorConsole(stderr=True),
        )
    except cyclopts.CycloptsError:
        return exits.USAGE
    except (LoginRefusedError, TokenRefusedError) as error:
        return fail(exits.LOGIN, str(error))
    except (BrokerUnreachableError, NotRunningError) as error:
        return fail(exits.UNREACHABLE, str(error))
    except (PortInUseError, NoAnswerError) as error:
        return fail(exits.FAILURE, str(error))
    return result if isinstance(result, int) else 0


def _entry() -> NoReturn:
    open_streams()
    end(main())


if __name__ == "__main__":
    _entry()
