"""Alerts and dashboard ask for metrics that are there, by labels that those have, and lead to a page that helps."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge

from engines.run import HOME
from service import metrics
from tests.support.programs import found, needs
from tests.test_docs import sections

DEPLOY = HOME / "deploy"
RULES = DEPLOY / "prometheus" / "keneya.rules.yml"
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
PANELS: list[dict[str, Any]] = json.loads((DEPLOY / "grafana" / "keneya.json").read_text())["panels"]
QUERIES = [rule["expr"] for rule in ALERTS] + [one["expr"] for panel in PANELS for one in panel["targets"]]
FOREIGN = {"up", "node_systemd_unit_state"}  # Prometheus's own, and the node exporter's
EVERYWHERE = {"job", "instance", "le"}  # labels that Prometheus adds, and a histogram's
METRIC = re.compile(r"\b(?:keneya|process|node)_\w+|\bup\b")


def exposed() -> dict[str, set[str]]:
    """The names under which Prometheus knows our metrics, each with its labels."""
    labels = {
        next(iter(one.describe())).name: set(one._labelnames)
        for one in vars(metrics).values()
        if isinstance(one, Gauge | Counter)
    }
    names: dict[str, set[str]] = {}
    for registry in (metrics.registry, metrics.tables):
        for metric in registry.collect():
            own = labels.get(metric.name, set()) | {
                name for sample in metric.samples for name in sample.labels
            }
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
                metric.type, ("",)
            )
            names |= {metric.name + ending: own for ending in endings}
    return names


def faults_of(query: str, known: dict[str, set[str]]) -> list[str]:
    """What a query asks for that nobody exposes."""
    words = re.sub(r'"[^"]*"', "", query)
    asked = set(METRIC.findall(words)) - FOREIGN
    faults = [name for name in asked if name not in known]
    allowed = EVERYWHERE.union(*(known.get(name, set()) for name in asked))
    wanted = {label for group in re.findall(r"by \(([^)]*)\)", words) for label in group.split(", ")}
    wanted |= {
        label
        for group in re.findall(r"\{([^}]*)\}", words)
        for label in re.findall(r"(\w+)\s*(?:=|!)", group)
    }
    return faults if set(METRIC.findall(words)) & FOREIGN else [*faults, *sorted(wanted - allowed)]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: str(query)[:60])
def test_every_query_asks_for_what_is_exposed(query: str) -> None:
    assert METRIC.search(query)
    assert faults_of(query, exposed()) == []


def test_a_wrong_query_would_be_found() -> None:
    known = exposed()
    assert faults_of("max(keneya_payment)", known) == ["keneya_payment"]
    assert faults_of("rate(keneya_ussd_hops[5m])", known) == ["keneya_ussd_hops"]
    assert faults_of("max by (kind) (keneya_payments)", known) == ["kind"]
    assert faults_of('keneya_sms{status="DUE"}', known) == ["status"]


def test_every_figure_of_ours_is_on_the_dashboard() -> None:
    shown = {name for query in QUERIES for name in METRIC.findall(query)}
    families = {
        name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in exposed()
    }
    assert {name for name in families if name.startswith("keneya_") and not any(map(name.__eq__, shown))} <= {
        "keneya_ussd_hop_seconds"  # by its buckets
    }


def test_every_alert_wakes_or_waits_and_leads_to_a_page() -> None:
    anchors = sections(HOME / "docs" / "operations.md")
    for alert in ALERTS:
        assert alert["labels"]["severity"] in ("call", "look"), alert["alert"]
        assert alert["annotations"]["page"].removeprefix("#") in anchors, alert["alert"]
        assert alert["annotations"]["summary"].endswith("."), alert["alert"]
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS) > 15


@needs("promtool", "prometheus")
def test_prometheus_itself_reads_alerts_and_queries(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{nth}", "expr": query} for nth, query in enumerate(QUERIES)]
    panels = tmp_path / "panels.yml"
    panels.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    for file in (RULES, panels):
        command = [str(found("promtool")), "check", "rules", str(file)]
        checked = subprocess.run(command, capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
