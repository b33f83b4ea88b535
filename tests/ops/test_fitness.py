"""What `doctor` finds critical of the machine while a guard runs: told once, shown until it is mended."""

import httpx
import pytest

from actors.ops.fitness import FIRST_LOOK_S, LOOK_S
from actors.ops.protection import Kind, holes
from config.errors import ConfigError
from messages.events import AlarmRaised
from messages.queries import MachineFault, Ping
from messages.values import AlarmCode, Phase
from tests.rig import A, config_of

RULES = config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False})


def fault(check, what="bad", about=""):
    return MachineFault(check=check, about=about, what=what, why="it matters", fix="mend it")


class Machine:
    """A machine whose faults a test sets."""

    def __init__(self):
        self.faults = ()
        self.looks = []

    def __call__(self, config, clock):
        self.looks.append((config, clock.now()))
        if isinstance(self.faults, Exception):
            raise self.faults
        return self.faults


@pytest.fixture
def machine():
    return Machine()


def alarms(run):
    return [
        each.text
        for each in run.testimony.events()
        if isinstance(each, AlarmRaised) and each.code == AlarmCode.MACHINE_UNFIT
    ]


def shown(run):
    return [each.line for each in holes(run.system.status()) if each.kind is Kind.MACHINE]


def test_nobody_looks_before_all_are_guarded(rig, machine):
    """The way from killed to guarded is not a second longer."""
    run = rig(RULES, examine=machine)

    assert run.status(A).phase is Phase.OPEN
    assert machine.looks == []
    run.advance(FIRST_LOOK_S)
    assert len(machine.looks) == 1


def test_a_fault_is_alarmed_once_and_a_hole_until_it_is_mended(rig, machine):
    """With why it matters and the fix; a figure that moves is the same fault."""
    run = rig(RULES, examine=machine)
    machine.faults = (fault("disk room", "60 MiB free", "/data"),)
    run.advance(FIRST_LOOK_S)
    machine.faults = (fault("disk room", "59 MiB free", "/data"),)
    run.advance(LOOK_S)

    assert shown(run) == ["MACHINE UNFIT: disk room (/data): 59 MiB free; fix: mend it"]
    assert alarms(run) == [
        "disk room (/data): 60 MiB free. It matters, for it matters. Mend it: mend it"
    ]
    ready = httpx.get(f"{run.system.http.url}/readyz", trust_env=False)
    assert (ready.status_code, ready.json()["not_ready"]) == (503, shown(run))

    machine.faults = ()
    run.advance(LOOK_S)
    assert (shown(run), len(alarms(run))) == ([], 1)
    machine.faults = (fault("disk room", "12 MiB free", "/data"),)
    run.advance(LOOK_S)
    assert (len(shown(run)), len(alarms(run))) == (1, 2)


def test_one_fault_hides_no_other(rig, machine):
    """Each is told when it is new."""
    run = rig(RULES, examine=machine)
    machine.faults = (fault("sleep"),)
    run.advance(FIRST_LOOK_S)
    machine.faults = (fault("sleep"), fault("disk sync"))
    run.advance(LOOK_S)

    assert [text.split(":")[0] for text in alarms(run)] == ["sleep", "disk sync"]
    assert len(shown(run)) == 2


def test_it_looks_with_the_configuration_in_force(rig, machine):
    """What is accepted after a reload is accepted at the next look."""
    run = rig(RULES, examine=machine)
    run.advance(FIRST_LOOK_S)
    path = run.system.config.path
    path.write_text(path.read_text() + '\n[doctor]\naccept = ["sleep"]\n')
    run.system.reload(path)
    run.advance(LOOK_S)

    assert [config.file.doctor.accept for config, _ in machine.looks] == [(), ("sleep",)]


def test_a_look_that_fails_takes_nobody_down_and_is_tried_again(rig, machine):
    """Of itself alone it is said that it fails; the accounts are guarded on."""
    run = rig(RULES, examine=machine)
    machine.faults = RuntimeError("odd")
    for _ in range(20):
        run.advance(30)
    machine.faults = (fault("sleep"),)
    run.advance(60)

    assert run.given_up == []
    assert len(shown(run)) == 1
    run.fill(A, "-500")
    assert run.status(A).phase is Phase.LOCKED


def test_whoever_does_not_ask_has_nobody_who_looks(rig):
    """The demo and the tests guard nobody in truth."""
    run = rig(RULES)

    with pytest.raises(LookupError):
        run.system.directory.ref("fitness").ask(Ping(at=run.clock.now(), cause="test"))
    assert run.system.status().unfit == ()


def test_a_first_start_that_would_guard_nobody_is_refused(rig):
    """Once somebody was guarded a start goes on, and shows that nobody is."""
    with pytest.raises(ConfigError, match="nobody would be guarded"):
        rig(RULES, accounts=())


def test_a_later_start_that_guards_nobody_goes_on_and_says_it(rig):
    """Not to start would hide it."""
    run = rig(RULES, accounts=(A,))
    run.stop()
    del run.broker.exchange.accounts[A]
    run = rig(RULES, folder=run.folder, broker=run.broker)

    kinds = {each.kind for each in holes(run.system.status())}
    assert kinds == {Kind.NO_ACCOUNT, Kind.UNGUARDED}
