"""The units, images and pages in `config/deploy`, held against the program they start."""

import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

import main
from actors.ops.exits import ENDINGS, Again
from config.listening import TOKEN_VARIABLE
from config.schema import Http, Journal, Login
from tests.security.doors import Door

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "config" / "deploy"
UNITS = ("lockstep.service", "lockstep@.service", "lockstep-desk@.service")
DESK = UNITS[2]
DOCKERFILE = (DEPLOY / "docker" / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "docker" / "compose.yml").read_text())
STATE = "/var/lib/lockstep"
PAGES = sorted(DEPLOY.rglob("*.md"))


def unit(name: str) -> dict[str, list[str]]:
    """Return what a unit says, by key."""
    found = defaultdict(list)
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        key, sign, value = line.partition("=")
        if sign and not line.startswith("#"):
            found[key].append(value)
    return found


def routes() -> set[str]:
    server = Door().server
    try:
        return {route.path for route in server.app.routes}
    finally:
        server.stop()


def command_of(words: list[str]) -> str:
    """Return the command that some words to main.py are, or fail as it would."""
    _, bound, _ = main.app.parse_args(words, exit_on_error=False, print_error=False)
    assert bound.arguments
    return words[0]


# --- systemd ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNITS)
def test_systemd_starts_again_exactly_what_starting_again_can_help(name):
    """The same as the watchdog: else a refused login is tried until the firm blocks the user."""
    said = unit(name)

    def codes(key):
        return {int(code) for code in " ".join(said[key]).split()}

    useless = {code for code, ending in ENDINGS.items() if ending.again is Again.NO}
    assert said["Restart"] == ["on-failure"]
    assert codes("RestartPreventExitStatus") | codes("SuccessExitStatus") | {0} == useless
    assert said["StartLimitIntervalSec"] == ["0"]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_a_command_there_is_and_hears_its_pulse(name):
    """Its words are taken by the command line; it waits for READY and misses a heartbeat."""
    said = unit(name)

    (start,) = said["ExecStart"]
    python, script, *words = start.split()
    assert (python, script) == ("/opt/lockstep/.venv/bin/python", "/opt/lockstep/main.py")
    assert command_of(words) == "run"
    assert ("--standby" in words) == (name == "lockstep@.service")
    assert said["Type"] == ["notify"]
    assert 2 <= int(said["WatchdogSec"][0]) <= 60
    assert said["ExecReload"] == ["/bin/kill -HUP $MAINPID"]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_may_write_where_the_journal_goes_and_nowhere_else(name):
    """A user of its own, a folder of its own, and no way to become more."""
    said = unit(name)

    assert said["User"] == said["Group"] == ["lockstep"]
    assert said["WorkingDirectory"] == [f"/var/lib/{said['StateDirectory'][0]}"]
    assert said["WorkingDirectory"] == [f"{STATE}/%i" if name == DESK else STATE]
    assert not Path(Journal().path).is_absolute()
    assert said["StateDirectoryMode"] == ["0700"]
    assert said["UMask"] == ["0077"]
    assert said["ProtectSystem"] == ["strict"]
    assert said["CapabilityBoundingSet"] == [""]
    for switch in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices"):
        assert said[switch] == ["yes"]
    assert "ReadWritePaths" not in said


def test_the_one_in_reserve_is_as_hardened_as_the_first():
    """Only how it is started differs."""
    one, other = unit(UNITS[0]), unit(UNITS[1])

    different = {key for key in one.keys() | other.keys() if one[key] != other[key]}
    assert different == {"Description", "ExecStart", "Conflicts"}


def test_of_several_each_has_its_own_configuration_credentials_and_journal():
    """And is as hardened as one alone."""
    one, desk = unit(UNITS[0]), unit(DESK)

    different = {key for key in one.keys() | desk.keys() if one[key] != desk[key]}
    places = {"ExecStart", "EnvironmentFile", "Environment", "StateDirectory", "WorkingDirectory"}
    assert different == places | {"Description"}
    assert all("%i" in each for key in different for each in desk[key])


def test_the_environment_that_is_named_is_the_one_that_is_read():
    """Credentials come from there; the example has no value in it."""
    lines = (DEPLOY / "systemd" / "lockstep.env.example").read_text().splitlines()
    named = {line for line in lines if not line.startswith("#")}

    login = Login(name="desk")
    assert named == {f"{login.username_env}=", f"{login.api_key_env}=", f"{TOKEN_VARIABLE}="}
    for name in UNITS[:2]:
        assert unit(name)["EnvironmentFile"] == ["/etc/lockstep/lockstep.env"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_itself_takes_the_unit_and_finds_little_exposed(name, tmp_path):
    """With a program that is there in place of ours."""
    text = (DEPLOY / "systemd" / name).read_text()
    text = text.replace("/opt/lockstep/.venv/bin/python", sys.executable)
    placed = tmp_path / name.replace("@", "@a")
    (tmp_path / name).write_text(text)
    if not placed.exists():
        placed.symlink_to(tmp_path / name)

    def analyze(*words):
        return subprocess.run(  # noqa: S603 - systemd's own
            ["systemd-analyze", *words],  # noqa: S607
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    verified = analyze("verify", "--man=no", str(placed))
    if "Operation not permitted" in verified.stderr or "Failed to" in verified.stderr:
        pytest.skip(f"systemd-analyze cannot run here: {verified.stderr[:200]}")
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = analyze("security", "--offline=true", str(placed))
    if level := re.search(r"exposure level for \S+: (\d+\.\d)", rated.stdout):
        assert float(level[1]) < 2


# --- macOS ------------------------------------------------------------------------------------------


def test_the_plist_is_one_and_starts_the_watchdog():
    """Launchd cannot tell exit codes apart, so only a watchdog that was killed is started again."""
    said = plistlib.loads((DEPLOY / "launchd" / "lockstep.plist").read_bytes())

    assert command_of(said["ProgramArguments"][2:]) == "watchdog"
    assert said["KeepAlive"] == {"Crashed": True}
    assert said["Umask"] == 0o77
    assert set(said["EnvironmentVariables"].values()) == {""}


# --- Docker -----------------------------------------------------------------------------------------


def test_the_image_is_built_from_what_is_there_and_of_what_is_pinned():
    """Sources exist and are let through; packages come by their hashes; images without a host."""
    allowed = [
        line[1:]
        for line in (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().splitlines()
        if line.startswith("!")
    ]
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert set(copied) == set(allowed)
    assert all((ROOT / source).exists() for source in copied)
    assert "--require-hashes -r requirements.lock" in DOCKERFILE
    for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE):
        assert "." not in image.partition("/")[0].partition(":")[0]
        assert re.search(r":\d", image)


def test_the_image_leaves_the_tools_of_development_out():
    """Each tool pyproject.toml names for development, but what a guard may send alerts with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def names(rows):
        return {re.split(r"[<>=\[]", row)[0] for row in rows}

    needed = names(
        row for rows in project["project"]["optional-dependencies"].values() for row in rows
    )
    tools = names(project["dependency-groups"]["dev"]) - needed
    removed = re.search(r"pip uninstall --yes --quiet (.+)", DOCKERFILE)
    assert removed is not None
    assert set(removed[1].split()) == tools


def test_the_image_runs_as_nobody_and_says_whether_it_is_alive():
    """No root; the health check asks a route that is there, where the program listens by default."""
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.MULTILINE)
    last = DOCKERFILE.rindex("\nFROM ")
    assert DOCKERFILE.index("\nUSER ", last) < DOCKERFILE.index("\nENTRYPOINT ", last)
    asked = re.search(r"http://([^/']+)(/\w+)'", DOCKERFILE)
    assert asked is not None
    assert asked[1] == Http().listen
    assert asked[2] == "/healthz"
    assert asked[2] in routes()
    words = re.search(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    assert words is not None
    assert command_of(re.findall(r'"([^"]+)"', words[1])) == "watchdog"
    assert f"WORKDIR {STATE}" in DOCKERFILE


def test_compose_names_only_what_is_there():
    """Files beside it, volumes it declares; the configuration and the credentials are the user's."""
    here = DEPLOY / "docker"
    own = {"./lockstep.toml", "lockstep.env"}
    build = COMPOSE["services"]["lockstep"]["build"]
    assert (here / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    for name, service in COMPOSE["services"].items():
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert source in own or (here / source).exists(), (name, source)
            else:
                assert source in COMPOSE["volumes"], (name, source)
    assert COMPOSE["services"]["lockstep"]["env_file"] in own


def test_compose_opens_nothing_to_other_machines():
    """No port is published, everything listens on loopback, and nobody has rights to spare."""
    services = COMPOSE["services"]
    assert [name for name, each in services.items() if "ports" in each] == []
    assert {each["network_mode"] for each in services.values()} == {"host"}
    assert {name for name, each in services.items() if each.get("profiles") == ["monitoring"]} == {
        *("prometheus", "grafana")
    }
    for each in services.values():
        assert each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
    assert services["lockstep"]["read_only"] is True
    assert services["lockstep"]["restart"] == "no"
    (listens,) = [each for each in services["prometheus"]["command"] if "listen" in each]
    sources = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "datasources.yml").read_text())
    assert sources["datasources"][0]["url"] == f"http://{listens.partition('=')[2]}"
    assert listens.partition("=")[2].startswith("127.0.0.1:")
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    boards = yaml.safe_load((DEPLOY / "grafana" / "provisioning" / "dashboards.yml").read_text())
    mounted = [each.split(":")[1] for each in services["grafana"]["volumes"]]
    assert boards["providers"][0]["options"]["path"] in mounted


# --- pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page):
    """An operator in trouble follows them."""
    for link in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert (page.parent / link).exists(), link


@pytest.mark.parametrize("path", sorted(p for p in DEPLOY.rglob("*") if p.is_file()), ids=str)
def test_no_file_names_a_machine_or_a_registry(path):
    """Images go by their names alone."""
    text = path.read_text()
    hosts = ("pypi" + ".org", "docker" + ".io", "ghcr" + ".io", "quay" + ".io", "/home" + "/")
    assert [host for host in hosts if host in text] == []
