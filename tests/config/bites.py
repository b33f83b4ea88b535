"""For every key of the configuration, two files that differ in it alone, and what that changes.

A bite is played twice and must show `seen[0]` with the one file and `seen[1]` with the other. To add a
key, add a bite to one of the `bites_of_….py`; `test_bites.py` fails for keys that have none, for bites
that are no key, and for two files that differ in anything else.
"""

from tests.config.bites_of_accounts import account_bites
from tests.config.bites_of_alerts import alert_bites
from tests.config.bites_of_rules import rule_bites
from tests.config.bites_of_tables import table_bites
from tests.config.bites_of_watching import watching_bites
from tests.config.stage import Bite

BITES: dict[str, Bite] = {
    **dict(rule_bites()),
    **dict(watching_bites()),
    **dict(table_bites()),
    **dict(alert_bites()),
    **dict(account_bites()),
}
