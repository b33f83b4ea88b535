"""Lockstep's command line: builds the system from a configuration and nothing else.

Data goes to stdout, logs to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 69 broker unreachable,
70 store unusable, 71 what every account needs cannot be kept alive (start it again), 75 another instance
holds the journal (or has taken it), 77 login or token refused, 78 bad configuration, 130 interrupted.
`actors/ops/exits.py` says which of them a watchdog starts again.
"""

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import cyclopts
import structlog
from cyclopts import Parameter, validators

from actors import private
from actors.journal import (
    LEASE,
    Anchor,
    LeaseHeldError,
    Store,
    StoreError,
    accept,
    default_anchor,
    export_lines,
    refusal,
    verify_anchored,
    verify_incident,
    write_incident,
)
from actors.journal.letters import dead_letters, json_of, line_of
from actors.ops import exits
from actors.ops.logging import configure_logging, silence_logging
from actors.runtime import SystemClock
from config.errors import ConfigError
from config.loader import Config, load, load_bytes
from messages import codec

if TYPE_CHECKING:
    from actors.ops.notify import Notifier
    from actors.system import System

EXIT_FAILURE, EXIT_USAGE, EXIT_INTERRUPTED = exits.FAILURE, exits.USAGE, exits.INTERRUPTED
EXIT_UNREACHABLE, EXIT_STORE, EXIT_LEASE = exits.UNREACHABLE, exits.STORE, exits.LEASE
EXIT_LOGIN, EXIT_CONFIG, EXIT_GAVE_UP = exits.LOGIN, exits.CONFIG, exits.SYSTEM
END_WITHIN_S = 20.0
"""How long the ordered stop may take when it gives up: what hangs must not keep it from its end."""

_DEFAULT = Path(__file__).parent / "config" / "default.toml"

type ConfigPath = Annotated[
    Path, Parameter(name=["--config", "-c"], show_default=lambda path: path.name)
]
type Port = Annotated[int, Parameter(validator=validators.Number(gte=0, lte=65535))]
type AccountCount = Annotated[int, Parameter(validator=validators.Number(gte=1, lte=1000))]
type Seconds = Annotated[float, Parameter(validator=validators.Number(gte=1, lte=3600))]
type Json = Annotated[bool, Parameter(name="--json", negative="")]


def _version() -> str:
    from actors.system import VERSION

    return VERSION


app = cyclopts.App(
    name="lockstep",
    help="Risk manager for multi-account prop-firm deployments on ProjectX: enforce, then lock.",
    version=_version,
    version_flags=["--version"],
)
journal_app = cyclopts.App(name="journal", help="Read the journal: verify its chain, export it.")
app.command(journal_app)


@app.command
def demo(*, journal: Path | None = None, scenario: Path | None = None) -> int:
    """Play the case Lockstep grew from against the embedded simulator (a few seconds).

    Args:
        journal: Keep the journal in this new file; otherwise it is thrown away.
        scenario: Play this scenario file instead; exit 1 when something is not as it says.
    """
    from rich.console import Console

    from actors.demo import Demo

    if scenario is not None:
        return _play(scenario, journal)

    silence_logging()
    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        Demo(console=Console()).play(journal)
    except FileExistsError as error:
        return _fail(EXIT_USAGE, str(error))
    except TimeoutError as error:
        return _fail(EXIT_FAILURE, f"the demo did not go as it must: {error}")
    return 0


def _play(path: Path, journal: Path | None) -> int:
    from rich.console import Console

    from actors.scenario.performance import perform
    from actors.scenario.reading import ScenarioError, read
    from actors.simulator import RefusedError

    if journal is not None:
        return _fail(EXIT_USAGE, "--journal goes with the demo's own case, not with --scenario")
    try:
        scenario = read(path)
    except ScenarioError as error:
        return _fail(EXIT_USAGE, str(error))
    if missing := scenario.missing_rules():
        return _fail(EXIT_USAGE, f"{path}: this build has no {', '.join(missing)}")
    silence_logging()
    _load_sdk()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return 0 if perform(scenario, Console()) else EXIT_FAILURE
    except RefusedError as error:
        return _fail(EXIT_FAILURE, f"{path}: the broker refuses what the scenario does: {error}")


@app.command
def run(*, config: ConfigPath = _DEFAULT, standby: bool = False, verbose: bool = False) -> int:
    """Guard the configured accounts until SIGINT or SIGTERM; SIGHUP reloads the configuration.

    One journal is guarded by one process: a second one ends at once with exit code 75. Exit 71: journal,
    clock or supervisor could not be kept alive; start it again at once.

    Args:
        config: Configuration file.
        standby: While another process guards, wait for its end, then take over.
        verbose: Log every fact, not only decisions.
    """
    from actors.ops.notify import Notifier

    loaded = load(config, now=SystemClock().now())
    configure_logging(logging.DEBUG if verbose else logging.INFO, loaded.secrets(os.environ))
    _warn(loaded)
    with closing(Notifier(os.environ)) as notifier:
        return _guard(loaded, notifier, standby=standby)


def _guard(loaded: Config, notifier: "Notifier", *, standby: bool) -> int:
    from actors.ops.notify import READY, STOPPING
    from actors.ops.pulse import Pulse, name_threads
    from actors.ops.standby import newest, stand_by
    from actors.system import System

    clock = SystemClock()
    path, anchor = Path(loaded.file.journal.path), _anchor_of(loaded)
    store = None if standby else Store.open(path, clock=clock, anchor=anchor)
    _load_sdk()
    stop = _Stop()
    if store is None:
        stop.on_hangup(lambda: None)
        store = stand_by(path, anchor, clock=clock, notifier=notifier, ended=stop.ended)
        if store is None:
            return stop.code
        loaded = newest(loaded, now=clock.now())
    system = System(
        config=loaded,
        clock=clock,
        environment=os.environ,
        on_give_up=stop.give_up,
        store=store,
    )
    stop.on_hangup(lambda: _reload(system))
    system.start()
    if system.http:
        structlog.get_logger(actor="main").info("listening", url=system.http.url)
    gc.collect()
    gc.freeze()  # the SDK leaves 60,000 objects behind; walking them doubles the slowest reactions
    name_threads()
    notifier.tell(READY, "STATUS=guarding")
    with Pulse(
        vital=system.vital,
        fence=system.fence,
        alone=system.alarm_unwatched,
        notifier=notifier,
        clock=clock,
    ):
        reason = stop.wait()
    notifier.tell(STOPPING, f"STATUS={reason}")
    if stop.code in {EXIT_GAVE_UP, EXIT_LEASE}:
        return _end(system, reason, stop.code)
    system.stop(reason)
    return stop.code


def _anchor_of(config: Config) -> Path | None:
    anchor = config.file.journal.anchor
    return Path(anchor) if anchor else None


def _warn(config: Config) -> None:
    """Log what is allowed in a configuration but should be known."""
    log = structlog.get_logger(actor="main")
    for text in config.warnings:
        log.warning("config_warning", config=str(config.path), text=text)


def _end(system: "System", reason: str, code: int) -> int:
    """Stop as far as that can be done, and say why: somebody waits to start the process again."""
    advice = (
        "; start it again: a new process starts from the journal" if code == EXIT_GAVE_UP else ""
    )

    def say() -> int:
        return _fail(code, reason + advice)

    last = threading.Timer(END_WITHIN_S, lambda: os._exit(say()))
    last.daemon = True
    last.start()
    try:
        system.stop(reason)
    except Exception as error:  # noqa: BLE001 - it ends all the same
        structlog.get_logger(actor="main").error("stop_failed", error=repr(error))
    return say()


@app.command
def watchdog(
    *,
    config: ConfigPath = _DEFAULT,
    standby: bool = False,
    verbose: bool = False,
    limit_s: Seconds = 10.0,
) -> int:
    """Start `run` as a process of its own, watch it, and start it again when it stalls or dies.

    SIGTERM, SIGINT and SIGHUP are passed on. It ends with the guard's exit code where starting it
    again cannot help: 0, 2, 70, 75 (before it ever guarded), 77, 78, 130.

    Args:
        config: Configuration file.
        standby: While another process guards, wait for its end, then take over.
        verbose: Log every fact, not only decisions.
        limit_s: Seconds without a heartbeat after which the guard is killed.
    """
    from actors.ops.guard import Limits
    from actors.ops.watchdog import Watchdog
    from actors.system import RESTARTED_VARIABLE

    def command(stands_by: bool) -> list[str]:
        words = [sys.executable, str(Path(__file__).resolve()), "run", "--config", str(config)]
        return words + ["--standby"] * (standby or stands_by) + ["--verbose"] * verbose

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
    stop = _Stop()
    try:
        simulator.start()
    except PortInUseError as error:
        return _fail(EXIT_FAILURE, str(error))
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
    stop.wait()
    simulator.stop()
    return stop.code


@app.command
def check(*, config: ConfigPath = _DEFAULT, json: Json = False) -> int:
    """Check a configuration file; print every account's rules and where each value came from.

    Args:
        config: Configuration file.
        json: Print one JSON object.
    """
    from rich.console import Console

    from config.report import print_report, report

    loaded = load(config, now=SystemClock().now())
    if json:
        _print_json(report(loaded))
    else:
        print_report(loaded, Console())
    return 0


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
        return _fail(EXIT_USAGE, f"there is no rule {rule!r}; known are {known}")
    if json:
        _print_json(pages)
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
        return _fail(EXIT_USAGE, "name the files to import: risk_config.yaml and those beside it")
    if out and out.exists() and not force:
        return _fail(EXIT_USAGE, f"{out} is there already; choose another name, or say --force")
    try:
        imported = convert([read(path) for path in files])
    except ImportFault as error:
        return _fail(EXIT_CONFIG, str(error))
    text = imported.text.encode()
    if out:
        try:
            private.write_file(out, text, replace=force)
        except OSError as error:
            return _fail(EXIT_FAILURE, f"{out} cannot be written: {error.strerror}")
    else:
        sys.stdout.write(imported.text)
    print("\n".join(imported.notes), file=sys.stderr)
    load_bytes(out or Path("imported.toml"), text, now=SystemClock().now())
    if imported.undecided:
        return _fail(EXIT_CONFIG, "decide what is listed above, then `check` the configuration")
    return 0


@app.command
def status(*, config: ConfigPath = _DEFAULT, json: Json = False) -> int:
    """Show how every account stands: from the running process, else from the journal.

    Args:
        config: Configuration file (for the address and the journal).
        json: Print one JSON object.
    """
    from actors.ops.status import current_status, print_status

    loaded = load(config, now=SystemClock().now())
    answer = current_status(loaded, SystemClock(), os.environ)
    if json:
        sys.stdout.write(codec.to_json(answer).decode() + "\n")
    else:
        print_status(answer)
    return 0


@app.command
def reload(*, config: ConfigPath = _DEFAULT, json: Json = False) -> int:
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
        _print_json(answer)
    else:
        print("\n".join(lines_of(answer)))
    return EXIT_FAILURE if answer.unanswered else 0


@journal_app.command(name="verify")
def journal_verify(
    *,
    config: ConfigPath = _DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    incident: Path | None = None,
) -> int:
    """Walk the hash chain from the first event to the last, and compare it with the anchor.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        incident: Check this dispute bundle instead; the journal is not needed.
    """
    if incident is not None:
        about = verify_incident(incident)
        print(
            f"{incident}: account {about.account}, trading day {about.date}, seq {about.first} to "
            f"{about.last}: chain intact, and told as it was stored"
        )
        return 0
    place, beside = _journal_files(config, path, anchor)
    checked = verify_anchored(place, beside)
    print(
        f"{place}: {checked.events} events, chain intact, last hash {checked.last_hash}, "
        f"as its anchor {beside.path} knows it"
    )
    return 0


@journal_app.command(name="anchor")
def journal_anchor(
    *,
    config: ConfigPath = _DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    accept_it: Annotated[bool, Parameter(name="--accept", negative="")] = False,
) -> int:
    """Say whether the anchor bears the journal out; let the journal go on where it does not.

    Accepting is journaled, and locks every account until the next reset: what was locked is unknown.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor; otherwise the configuration's, or the one beside the journal.
        accept_it: Take the journal as it is, or begin a new one where there is none.
    """
    place, beside = _journal_files(config, path, anchor)
    refused = refusal(place, beside)
    if refused is None:
        print(f"{place} is as its anchor {beside.path} knows it; nothing is to be accepted")
        return 0
    if not accept_it:
        raise refused
    accepted = accept(place, beside, refused, clock=SystemClock())
    print(
        f"{place} goes on with its {accepted.events} events, from now on with the anchor "
        f"{beside.path}; every account is locked until the next reset.\nIt had been refused: "
        f"{accepted.refused}"
    )
    return 0


@journal_app.command(name="export")
def journal_export(
    *,
    config: ConfigPath = _DEFAULT,
    path: Path | None = None,
    anchor: Path | None = None,
    account: int | None = None,
    incident: tuple[int, date] | None = None,
    out: Path | None = None,
) -> int:
    """Print the events as JSON, one object a line; or write a dispute bundle.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        anchor: Its anchor, for a bundle; otherwise as for `journal verify`.
        account: Only this account's events.
        incident: Write a bundle of this account (its id) and trading day (YYYY-MM-DD).
        out: The bundle's file, which must not be there yet.
    """
    if incident is not None:
        return _write_incident(_journal_files(config, path, anchor), *incident, out)
    if out is not None:
        return _fail(EXIT_USAGE, "--out goes with --incident; the lines go to stdout")
    store = Store.open_read_only(_journal_path(config, path))
    try:
        for line in export_lines(store, account=account):
            sys.stdout.buffer.write(line + b"\n")
    finally:
        store.close()
    return 0


def _write_incident(files: tuple[Path, Anchor], account: int, day: date, out: Path | None) -> int:
    place, beside = files
    verify_anchored(place, beside)
    out = out or Path(f"incident-{account}-{day}.zip")
    store = Store.open_read_only(place)
    try:
        about = write_incident(store, account, day, beside.read(), out)
    except FileExistsError:
        return _fail(EXIT_USAGE, f"{out} is there already; choose another name with --out")
    except OSError as error:
        return _fail(EXIT_FAILURE, f"{out} cannot be written: {error.strerror}")
    finally:
        store.close()
    print(f"{out}: account {account}, trading day {day}, seq {about.first} to {about.last}")
    return 0


@journal_app.command(name="dead-letters")
def journal_dead_letters(
    *, config: ConfigPath = _DEFAULT, path: Path | None = None, json: Json = False
) -> int:
    """Print the messages that no actor could handle, with the reason; none is ever tried again.

    Args:
        config: Configuration file that names the journal.
        path: The journal itself, instead.
        json: Print one JSON object a line.
    """
    store = Store.open_read_only(_journal_path(config, path))
    try:
        for letter in dead_letters(store):
            text = json_of(letter).decode() if json else line_of(letter)
            sys.stdout.write(text + "\n")
    finally:
        store.close()
    return 0


def _load_sdk() -> None:
    """Import the SDK now: it brings polars, which takes SIGINT away; handlers set afterwards hold."""
    import actors.gateway.client  # noqa: F401


class _Stop:
    """Waits for SIGINT or SIGTERM, or for the news that protection has a hole; SIGHUP in between."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._reason = ""
        self._hung_up = False
        self._do_on_hangup: Callable[[], None] = lambda: None
        self.code = 0
        signal.signal(signal.SIGINT, self._on_signal)
        signal.signal(signal.SIGTERM, self._on_signal)

    def _on_signal(self, number: int, _frame: Any) -> None:
        self._reason = signal.Signals(number).name
        self.code = EXIT_INTERRUPTED if number == signal.SIGINT else 0
        self._event.set()

    def on_hangup(self, do: Callable[[], None]) -> None:
        """Do this on SIGHUP: while waiting, on the waiting thread, not in the handler."""
        self._do_on_hangup = do
        signal.signal(signal.SIGHUP, self._on_sighup)

    def _on_sighup(self, _number: int, _frame: Any) -> None:
        self._hung_up = True
        self._event.set()

    def give_up(self, address: str, error: str) -> None:
        """End the process: what all need cannot be kept alive, or it is another's now."""
        self._reason = error if address == LEASE else f"{address} cannot be kept alive: {error}"
        self.code = EXIT_LEASE if address == LEASE else EXIT_GAVE_UP
        self._event.set()

    def ended(self, within_s: float) -> bool:
        """Wait at most so long; tell whether to end."""
        if self._event.wait(within_s) and not self._reason:
            self._event.clear()
        return bool(self._reason)

    def wait(self) -> str:
        """Return why it ends."""
        while not self._reason:
            self._event.wait()
            self._event.clear()  # before looking: what comes while looking wakes it again
            if self._hung_up and not self._reason:
                self._hung_up = False
                self._do_on_hangup()
        return self._reason


def _journal_files(config: Path, path: Path | None, anchor: Path | None) -> tuple[Path, Anchor]:
    """Return the journal and its anchor, as the command line or else the configuration names them."""
    if path is not None:
        return path, Anchor(anchor or default_anchor(path))
    named = load(config, now=SystemClock().now()).file.journal
    beside = anchor or (Path(named.anchor) if named.anchor else default_anchor(Path(named.path)))
    return Path(named.path), Anchor(beside)


def _journal_path(config: Path, path: Path | None) -> Path:
    if path is not None:
        return path
    loaded: Config = load(config, now=SystemClock().now())
    return Path(loaded.file.journal.path)


def _print_json(value: object) -> None:
    sys.stdout.write(codec.to_json(value).decode() + "\n")


def _fail(code: int, text: str) -> int:
    print(f"lockstep: {text}", file=sys.stderr)
    return code


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        code = _dispatch(arguments)
        sys.stdout.flush()  # here, where a reader that has gone is no error
    except ConfigError as error:
        return _fail(EXIT_CONFIG, str(error))
    except LeaseHeldError as error:
        return _fail(EXIT_LEASE, str(error))
    except StoreError as error:
        return _fail(EXIT_STORE, str(error))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _dispatch(arguments: list[str] | None) -> int:
    from actors.gateway import BrokerUnreachableError, LoginRefusedError
    from actors.ops.http import PortInUseError
    from actors.ops.reload import NotRunningError, TokenRefusedError
    from actors.ops.status import NoAnswerError

    try:
        result = app(arguments, exit_on_error=False, result_action="return_value")
    except cyclopts.CycloptsError:
        return EXIT_USAGE
    except (LoginRefusedError, TokenRefusedError) as error:
        return _fail(EXIT_LOGIN, str(error))
    except (BrokerUnreachableError, NotRunningError) as error:
        return _fail(EXIT_UNREACHABLE, str(error))
    except (PortInUseError, NoAnswerError) as error:
        return _fail(EXIT_FAILURE, str(error))
    return result if isinstance(result, int) else 0


def _entry() -> NoReturn:
    sys.exit(main())


if __name__ == "__main__":
    _entry()
