"""Scenarios a person can read and write: given, when, then in TOML, played on a whole system.

One vocabulary (`words.py`), one player, two stages: the real SDK against the embedded simulator
(`main.py demo --scenario FILE`), and the tests' rig without a wire. tests/scenarios/README.md is the
writer's guide. Imports nothing from the tests.
"""
