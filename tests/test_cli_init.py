"""`main.py init`: scripted, on a terminal, and everything that keeps it from writing a file."""

import os
import pty
import re
import signal
import stat
import subprocess
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

import main
from tests.cli import MAIN, WITHIN_S, environment, free_port, lockstep, one_error
from tests.rig import TOKENS, A, B

KEY, USER = TOKENS["PROJECT_X_API_KEY"], TOKENS["PROJECT_X_USERNAME"]
OWN = ("--max-loss-usd", "500", "--max-contracts", "3", "--yes")
FIRM = (
    *("--profile", f"{A}=topstep_50k"),
    *("--confirm", "topstep_50k.max_contracts.limit=5"),
    *("--confirm", "topstep_50k.daily_realized_loss.max_loss_usd=400"),
)


@pytest.fixture
def new(tmp_path):
    """Return where the configuration is to be made."""
    return tmp_path / "mine.toml"


def init(new, broker, *words, **env):
    """Run `init` to its end, without a terminal."""
    url = f"http://127.0.0.1:{free_port()}/api" if broker is None else broker.api_url
    return lockstep("init", "--config", new, "--api-url", url, *words, **(TOKENS | env))


class Terminal:
    """`init` on a terminal of its own."""

    def __init__(self, new, broker, *words):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [
                sys.executable,
                str(MAIN),
                "init",
                "-c",
                str(new),
                "--api-url",
                broker.api_url,
                *words,
            ],
            env=environment(**TOKENS),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.said = ""

    def until(self, text):
        """Read what it says until this was said."""
        while text not in self.said:
            try:
                read = os.read(self._ours, 65536)
            except OSError:
                read = b""
            assert read, f"ended before {text!r}: {self.said}"
            self.said += read.decode().replace("\r\n", "\n")
        before, self.said = self.said, self.said.partition(text)[2]
        return before

    def answer(self, question, text):
        """Wait for a question and type an answer."""
        said = self.until(question)
        os.write(self._ours, f"{text}\n".encode())
        return said

    def interrupt(self):
        """Press Ctrl-C; again if it came between the question and the wait for its answer.

        In many short waits: a second one must not meet the end that the first has begun, on a machine
        that stood still meanwhile.
        """
        for look in range(1000):
            if look % 300 == 0:
                self.process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(0.1)
                return

    def end(self):
        """Return the exit code and stdout."""
        out, _ = self.process.communicate(timeout=WITHIN_S)
        os.close(self._ours)
        return self.process.returncode, out.decode()


@pytest.fixture
def terminal():
    """Start `init` on terminals; all of them end with the test."""
    started = []

    def start(*arguments):
        started.append(Terminal(*arguments))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def written(new):
    return tomllib.loads(new.read_text())


# --- scripted -----------------------------------------------------------------------------------


def test_options_alone_make_a_private_configuration_without_credentials(new, broker):
    """Exit 0, 0600, accepted by the real loader; what it means and what comes next is printed."""
    done = init(new, broker, *OWN)

    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    assert [each.name for each in new.parent.iterdir()] == ["mine.toml"]
    assert f"{new}: valid" in done.stdout
    assert f"./run doctor --config {new}" in done.stdout
    assert f'{A} "ONE": simulated' in done.stderr
    for secret in (KEY, USER):
        assert secret not in new.read_text() + done.stdout + done.stderr
    table = written(new)
    assert table["logins"][0]["accounts"] == ["*"]
    assert table["defaults"]["rules"]["daily_realized_loss"]["max_loss_usd"] == 500
    assert table["defaults"]["rules"]["max_contracts"]["limit"] == 3
    assert table["journal"]["path"] == str(new.parent / "lockstep.db")
    assert table["broker"]["user_hub_url"] == broker.user_hub_url
    assert lockstep("check", "--config", new).returncode == 0


def test_what_it_writes_guards(new, broker, started):
    """The whole way: init, then run, until both accounts are open."""
    init(new, broker, *OWN)
    new.write_text(new.read_text().replace("127.0.0.1:8787", "127.0.0.1:0"))
    run = started("run", "--config", new)

    for account in (A, B):
        run.wait_line('"account_opened"', f'"account": {account}')


def test_a_profile_holds_what_was_confirmed_and_never_loosens_the_own_limit(new, broker):
    """The firm's 5 contracts do not raise the user's own 3; its 400 dollars lower his 500."""
    done = init(new, broker, *OWN, *FIRM)

    assert done.returncode == 0, done.stderr
    rules = written(new)["profiles"]["topstep_50k"]["rules"]
    assert rules["max_contracts"]["limit"] == 3
    assert rules["daily_realized_loss"]["max_loss_usd"] == 400
    assert written(new)["accounts"] == [{"account": A, "profile": "topstep_50k"}]
    assert "yours is 3 and stricter" in new.read_text()
    assert "offered was 1000: general knowledge, unconfirmed" in new.read_text()


def test_accounts_can_be_named_by_id_or_name(new, broker):
    """Only these are guarded."""
    done = init(new, broker, *OWN, "--account", "TWO")

    assert done.returncode == 0, done.stderr
    assert written(new)["logins"][0]["accounts"] == [B]


def test_a_name_that_holds_the_username_or_breaks_a_comment_is_harmless(new, broker):
    """What a broker calls its accounts is not believed to be text of ours."""
    broker.control.set_account(A, name=f"{USER}\n[evil]\x1b[2J\x7f")

    done = init(new, broker, *OWN)

    assert done.returncode == 0, done.stderr
    assert USER not in new.read_text()
    assert "evil" not in written(new)
    assert "\x1b" not in done.stderr + new.read_text()


# --- what is missing or cannot be ---------------------------------------------------------------


def test_without_a_terminal_everything_that_is_missing_is_named_at_once(new, broker):
    """Exit 2, before the broker is asked for anything."""
    said = one_error(init(new, broker, "--profile", "topstep_100k", PROJECT_X_API_KEY=""), 2)

    for part in (
        *("PROJECT_X_API_KEY", "--max-loss-usd", "--max-contracts", "--yes"),
        *("topstep_100k.max_contracts.limit", "topstep_100k.daily_realized_loss.max_loss_usd"),
    ):
        assert part in said
    assert broker.record().requests("/Auth/loginKey") == ()
    assert not new.exists()


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--max-loss-usd=-5"], "more than 0"),
        (["--max-loss-usd=much"], "no amount"),
        (["--max-loss-usd=nan"], "more than 0"),
        (["--max-contracts=2.5"], "no whole number"),
        (["--max-contracts=0"], "no whole number"),
        (["--profile=nope"], "known are topstep_50k"),
        (["--profile=topstep_50k", f"--profile={A}=none"], "name the profile of each account"),
        (["--confirm=topstep_50k.max_contracts.limit"], "PROFILE.RULE.FIELD=NUMBER"),
        (["--confirm=topstep_50k.max_contracts.limit=x"], "no whole number"),
        (["--account=4711"], f'it has {A} ("ONE")'),
        (["--api-url=ftp://x/api"], "must be an http(s) address"),
        ([*FIRM, "--account=TWO"], "not among the guarded accounts"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_a_usage_error(
    new, broker, capsys, monkeypatch, words, part
):
    """Exit 2 with the fix; nothing is written."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    usual = ["--max-loss-usd=5", "--max-contracts=3", f"--api-url={broker.api_url}"]
    said = {each.partition("=")[0] for each in words}
    rest = [each for each in usual if each.partition("=")[0] not in said]

    code = main.main(["init", f"--config={new}", "--yes", *rest, *words])  # there are many

    printed = capsys.readouterr()
    assert (code, printed.out) == (2, "")
    assert part in printed.err.partition("lockstep: ")[2]
    assert not new.exists()


def other_things(folder):
    """Return paths at which no new file may be made."""
    (folder / "there.toml").write_text("mine")
    (folder / "link.toml").symlink_to(folder / "there.toml")
    (folder / "dangling.toml").symlink_to(folder / "nowhere")
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    return {
        "there": (folder / "there.toml", "is there already"),
        "link": (folder / "link.toml", "symbolic link"),
        "dangling link": (folder / "dangling.toml", "symbolic link"),
        "folder": (folder / "open", "is there already"),
        "open folder": (folder / "open" / "mine.toml", "everybody may exchange"),
        "below a file": (folder / "there.toml" / "mine.toml", "is no folder"),
    }


@pytest.mark.parametrize(
    "thing", ["there", "link", "dangling link", "folder", "open folder", "below a file"]
)
def test_nothing_is_written_over_or_through(tmp_path, broker, thing):
    """Exit 2 before anything is contacted; what stands there is as it was."""
    place, part = other_things(tmp_path)[thing]

    assert part in one_error(init(place, broker, *OWN), 2)

    assert broker.record().requests("/Auth/loginKey") == ()
    assert (tmp_path / "there.toml").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    assert list((tmp_path / "open").iterdir()) == []


def test_the_brokers_refusal_is_77_and_its_absence_69(new, broker):
    """As everywhere; the key is not repeated."""
    refused = one_error_after_telling(init(new, broker, *OWN, PROJECT_X_API_KEY="canary-key"), 77)
    nobody = one_error_after_telling(init(new, None, *OWN), 69)
    broker.control.fault("garbage", "/Account/search")
    rubbish = one_error_after_telling(init(new, broker, *OWN), 69)

    assert "canary-key" not in refused
    assert "http://127.0.0.1:" in nobody
    assert "cannot be read" in rubbish
    assert not new.exists()


def one_error_after_telling(done, code):
    """Return the error of a command that had said what it was doing."""
    assert done.returncode == code, done
    assert "Traceback" not in done.stderr
    return done.stderr.partition("lockstep: ")[2]


def test_answers_that_contradict_each_other_are_78_and_not_written(new, broker):
    """The loader has the last word before anything is on the disk."""
    done = init(new, broker, *OWN, "--login", "a/b")

    assert "logins" in one_error_after_telling(done, 78)
    assert not new.exists()


def test_a_login_without_accounts_is_1(new, broker):
    """There is nothing to guard."""
    for account in (A, B):
        broker.control.set_account(account, active=False)

    assert "no active account" in one_error_after_telling(init(new, broker, *OWN), 1)


# --- on a terminal ------------------------------------------------------------------------------


def test_a_terminal_is_asked_question_by_question(new, broker, terminal):
    """A wrong answer is asked again; no number of a firm is taken without being typed."""
    broker.control.set_account(A, name="50K-ONE")
    run = terminal(new, broker)

    run.answer("Which accounts", "nope")
    run.answer("take it from the list", "")
    run.until("[all]: ")
    run.answer(f'Profile of {A} ("50K-ONE") [topstep_50k]: ', "")
    run.answer(f'Profile of {B} ("TWO") [none]: ', "")
    assert "5 by general knowledge, unconfirmed" in run.answer("number your firm has today: ", "")
    run.answer("number your firm has today: ", "5")
    run.answer("number your firm has today: ", "1,000")
    run.answer("number your firm has today: ", "900")
    run.answer("own limit of a day's loss", "$750.50")
    run.answer("most contracts an account may hold at once", "10")
    run.answer("Type yes: ", "yes")
    code, out = run.end()

    assert code == 0
    assert "[profiles.topstep_50k.rules.max_contracts]" in out
    rules = written(new)["profiles"]["topstep_50k"]["rules"]
    assert rules["max_contracts"]["limit"] == 5
    assert rules["daily_realized_loss"]["max_loss_usd"] == 750.5
    assert written(new)["defaults"]["rules"]["daily_realized_loss"]["max_loss_usd"] == 750.5


@pytest.mark.parametrize(("word", "code"), [("no", 1), ("", 1)])
def test_only_a_yes_writes(new, broker, terminal, word, code):
    """It shows the file first; anything else leaves nothing behind."""
    run = terminal(new, broker, *OWN[:-1], "--profile", "none", "--account", "ONE")

    run.answer("Type yes: ", word)

    assert run.end()[0] == code
    assert not new.exists()


def test_ctrl_c_in_a_question_is_130_and_writes_nothing(new, broker, terminal):
    """As everywhere."""
    run = terminal(new, broker)
    run.until("[all]: ")

    run.interrupt()

    assert run.end()[0] == 130
    assert list(new.parent.iterdir()) == []


def test_the_end_of_a_terminal_is_1_and_writes_nothing(new, broker, terminal):
    """Ctrl-D instead of an answer."""
    run = terminal(new, broker)
    run.answer("[all]: ", "\x04")

    assert run.end()[0] == 1
    assert list(new.parent.iterdir()) == []


def test_a_file_that_appears_at_the_last_moment_is_not_written_over(new, broker, terminal):
    """Between the first look and the yes somebody else made it."""
    run = terminal(new, broker, *OWN[:-1], "--profile", "none", "--account", "ONE")
    run.until("Type yes: ")
    new.write_text("somebody else's")
    os.write(run._ours, b"yes\n")

    assert run.end()[0] == 2
    assert new.read_text() == "somebody else's"


def test_every_question_has_an_option():
    """Who automates it finds in the help what a terminal would be asked."""
    told = lockstep("init", "--help").stdout

    for option in ("account", "max-loss-usd", "max-contracts", "profile", "confirm", "yes"):
        assert re.search(rf"--{option}\b", told)


def test_the_default_file_is_in_the_working_directory(tmp_path, broker):
    """`./run init` alone makes lockstep.toml where one stands."""
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(MAIN), "init", "--api-url", broker.api_url, *OWN],
        env=environment(**TOKENS),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lockstep.toml").is_file()
    assert Path(written(tmp_path / "lockstep.toml")["journal"]["path"]).parent == tmp_path
