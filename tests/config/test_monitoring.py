"""What `config/deploy` says to Prometheus and Grafana, held against the figures there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from actors.ops.metrics.counts import OUTCOMES
from actors.ops.metrics.timing import STEPS, TRIGGERS
from actors.ops.protection import Kind
from config.schema import Http
from messages.values import AlarmCode, Health, Phase
from tests.config.promql import parse
from tests.ops.scrape import Figures, scrape
from tests.rig import A, config_of

DEPLOY = Path(__file__).parents[2] / "config" / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "lockstep.rules.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
BOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "lockstep.json").read_text())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
VALUES = {
    "kind": set(Kind),
    "phase": set(Phase),
    "health": set(Health),
    "code": set(AlarmCode),
    "step": set(STEPS),
    "trigger": set(TRIGGERS),
    "outcome": set(OUTCOMES),
    "hub": {"user", "market"},
    "file": {"store", "log"},
    "durable": {"yes", "no"},
    "job": {"lockstep", "$job"},
}
"""What a label can be."""
SCRAPED = frozenset({"job", "instance"})
"""Labels that Prometheus adds."""


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """Return the labels of every metric a running system shows, and which of them only grow."""
    from tests.rig import Rig

    run = Rig(
        tmp_path_factory.mktemp("figures"),
        config_of(daily_realized_loss={"max_loss_usd": 500, "include_open_loss": False}),
    )
    try:
        run.fill(A, "-500")
        run.system.directory.tell("metrics", "no message")
        run.settle()
        shown = scrape(run.system.http.url)
    finally:
        run.stop()
    return labels_of(shown), growing(shown)


def labels_of(shown: Figures) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {"up": set()}
    for family in shown.families:
        if (
            family.type == "counter"
        ):  # one whose labels are not known beforehand may be at nothing yet
            found.setdefault(f"{family.name}_total", DECLARED.get(f"{family.name}_total", set()))
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


DECLARED = {
    "lockstep_broker_commands_total": {"command"},
    "lockstep_lockouts_released_total": {"released_by"},
    "lockstep_stop_moves_total": {"moved"},
}


def growing(shown: Figures) -> set[str]:
    return {
        sample
        for family in shown.families
        for sample in (
            {f"{family.name}_total"}
            if family.type == "counter"
            else {f"{family.name}_bucket", f"{family.name}_count", f"{family.name}_sum"}
            if family.type == "histogram"
            else set()
        )
    }


def expressions() -> list[tuple[str, str]]:
    shown = [(rule["alert"], rule["expr"]) for rule in ALERTS]
    shown += [(panel["title"], each["expr"]) for panel in PANELS for each in panel["targets"]]
    return shown + [(each["name"], each["expr"]) for each in BOARD["annotations"]["list"]]


@pytest.mark.parametrize(("where", "text"), expressions(), ids=lambda text: text[:40])
def test_every_expression_is_one_and_names_what_there_is(known, where, text):
    """A metric that is renamed, or a label that does not exist, would be an alert that never comes."""
    labels, grows = known

    said = parse(text)

    assert said.selectors, where
    for name, matchers in said.selectors:
        assert name in labels, name
        assert set(matchers) <= labels[name] | SCRAPED, name
        for label, value in matchers.items():
            if label in VALUES:
                assert set(value.split("|")) <= VALUES[label], (name, label)
    for kept, names in said.grouped:
        for name in names:
            assert kept <= labels[name] | SCRAPED, name
    assert set(said.rates) <= grows
    for name, _ in said.selectors:
        if name in grows:
            assert name in said.rates, f"{name} only grows: a rate of it is meant"


@pytest.mark.parametrize(
    "text",
    [
        *("sum by (x (a)", "rate(a[5m]", "a{x=1}", "a{x", "a >", "wish(a)", "a b", 'a{x="1"', ")"),
        *("a[5 minutes]", "sum by () (a) >"),
    ],
)
def test_what_is_no_expression_is_found(text):
    """The search above would not pass by accepting everything."""
    with pytest.raises(ValueError, match=r"."):
        parse(text)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(rule):
    """Its section exists in what the operator has at hand."""
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"]
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor in anchors(DEPLOY / file)
    assert anchor == rule["alert"].lower()
    assert re.fullmatch(r"\d+[smh]", rule.get("for", "1s"))
    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]):
        said = parse(rule["expr"])
        kept = [labels for labels, _ in said.grouped]
        assert not kept or label in kept[0]


def test_no_two_alerts_and_no_section_without_one():
    """What is left over is a mistake on one side."""
    names = [rule["alert"] for rule in ALERTS]
    sections = re.findall(r"^### (\w+)$", (DEPLOY / "ALARMS.md").read_text(), re.MULTILINE)

    assert sorted(names) == sorted(set(names)) == sorted(sections)


def anchors(page: Path) -> set[str]:
    """Return what can be linked to in a page, named as forges do."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def test_every_alarm_code_has_a_line_and_no_line_is_of_another():
    """A new code fails here until somebody says what to do about it."""
    rows = re.findall(
        r"^\| `([A-Z_]+)` \|(.+)\|(.+)\|$", (DEPLOY / "ALARMS.md").read_text(), re.MULTILINE
    )

    assert [code for code, _, _ in rows] == list(dict.fromkeys(code for code, _, _ in rows))
    assert {code for code, _, _ in rows} == set(AlarmCode)
    assert all(means.strip() and do.strip() for _, means, do in rows)


def test_the_dashboard_is_complete():
    """Every panel has a title of its own, a place, a source that can be chosen and something to show."""
    titles = [panel["title"] for panel in PANELS]
    assert len(set(titles)) == len(titles) > 20
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    for panel in PANELS:
        assert panel["targets"]
        assert {each["datasource"]["uid"] for each in panel["targets"]} == {"${datasource}"}
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert {each["name"] for each in BOARD["templating"]["list"]} == {"datasource", "job"}


def test_prometheus_looks_where_lockstep_listens():
    """And reads the rules that are there, under the name the rules ask for."""
    said = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())

    (job,) = said["scrape_configs"]
    assert job["job_name"] == "lockstep"
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": [Http().listen]}]
    assert said["rule_files"] == ["lockstep.rules.yml"]
