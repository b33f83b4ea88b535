"""Figures for Prometheus: counted from committed events, read at a scrape. Nothing depends on them."""

from actors.ops.metrics.actor import MetricsActor
from actors.ops.metrics.counts import Counts
from actors.ops.metrics.gauges import exposition
from actors.ops.metrics.readings import Readings, read

__all__ = ["Counts", "MetricsActor", "Readings", "exposition", "read"]
