"""How long a rule may fail to judge an account: who inherits it from whom, and what is no such time."""

import pytest

from tests.config.bites_of_accounts import RECORD
from tests.config.texts import LOGIN, loaded, refusals
from tests.rig import A

KEY = "lock_unjudged_after_s"


def of_account(folder, text):
    return loaded(folder, LOGIN + text).account_settings(RECORD, "desk").lock_unjudged_after_s


@pytest.mark.parametrize(
    ("own", "profile", "seconds"),
    [("", "", 60), ("", f"{KEY} = 90", 90), (f"{KEY} = 20", f"{KEY} = 90", 20)],
)
def test_the_nearest_table_that_says_something_counts(tmp_path, own, profile, seconds):
    """The account's own, its profile's, the defaults'."""
    text = f'[defaults]\nprofile = "a"\n{KEY} = 60\n[profiles.a]\n{profile}\n'
    assert of_account(tmp_path, f"{text}[[accounts]]\naccount = {A}\n{own}\n") == seconds


def test_nought_takes_one_account_out_of_it(tmp_path):
    """And nothing written is never."""
    text = f"[defaults]\n{KEY} = 60\n[[accounts]]\naccount = {A}\n{KEY} = 0\n"
    assert of_account(tmp_path, text) is None
    assert of_account(tmp_path, "") is None


@pytest.mark.parametrize("table", ["[defaults]", "[profiles.a]", "[[accounts]]\naccount = 5"])
@pytest.mark.parametrize("seconds", ["19.9", "-1", "3601"])
def test_what_is_no_such_time_is_refused_wherever_it_stands(tmp_path, table, seconds):
    """Below it would lock before the rule was asked again."""
    (refusal,) = refusals(tmp_path, f"{LOGIN}{table}\n{KEY} = {seconds}\n")
    assert f"{KEY}: must be 0 (never) or from 20 to 3600, not {seconds}" in refusal
