"""Which calendars a configuration means, what it refuses in one, and what it warns of."""

from datetime import UTC, date, datetime, time

import pytest

from config.errors import ConfigError
from config.loader import load
from tests.rig import config_of

TODAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLE = {
    "source": '"test"',
    "checked": '"2026-11-22"',
    "expires": '"2027-12-31"',
    "timezone": '"America/Chicago"',
    "holidays": '["2026-12-25"]',
    "early_closes": '{ "2026-12-24" = "12:15" }',
}
WEEK = {"start": "sun 18:00", "end": "fri 16:00"}


def loaded(tmp_path, *, now=TODAY, more="", products=(), own_products="[]", **table):
    """Return a configuration with a session and a table `mine.toml` of its own."""
    table |= {"products": own_products}
    lines = (f"{key} = {value}\n" for key, value in (TABLE | table).items())
    (tmp_path / "mine.toml").write_text("".join(lines))
    hours = {"start": "08:30", "end": "15:00", "products": dict.fromkeys(products, WEEK)}
    path = tmp_path / "lockstep.toml"
    path.write_text(config_of(session_block_outside=hours) + more)
    return load(path, now=now)


def refusal(tmp_path, **table):
    """Return what is said of a configured table that is refused."""
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, more='\n[calendar]\nfile = "mine.toml"\n', **table)
    return "\n".join(refused.value.complaints)


def tables(config):
    """Return the calendars the session rule uses, by the products they name."""
    (setting,) = config.effective_rules()
    return [min(each.products, default="") for each in setting.parameters.tables]


@pytest.mark.parametrize(
    ("table", "part"),
    [
        ({"holidays": '["2026-11-28"]'}, "2026-11-28 is no trading date"),
        ({"holidays": '["2026-12-24"]'}, "2026-12-24 is a holiday and has hours"),
        ({"holidays": '["2028-01-03"]'}, "2028-01-03 is after expires = 2027-12-31"),
        ({"holidays": '["2026-13-01"]'}, "month must be in 1..12"),
        ({"early_closes": '{ "2026-12-24" = "12" }'}, "early_closes.2026-12-24: must be a local"),
        ({"late_opens": '{ "2026-12-24" = "8:30" }'}, "late_opens.2026-12-24: must be a local"),
        ({"opens": '"5pm"'}, "opens: must be a local time"),
        ({"timezone": '"Mars"'}, "Mars"),
        ({"holiday": "[]"}, "did you mean holidays?"),
    ],
)
def test_a_table_with_a_row_that_cannot_be_meant_is_refused(tmp_path, table, part):
    """A row that would never matter is a slip of the pen, and names its file."""
    said = refusal(tmp_path, **table)

    assert part in said
    assert "mine.toml" in said


def test_the_tables_in_use_are_those_of_the_account_and_of_its_products(tmp_path):
    """Stocks for the account, energy and grains for two products; four others are used by nobody."""
    assert tables(loaded(tmp_path)) == ["ES"]
    assert tables(loaded(tmp_path, products=("CL", "ZC", "ES"))) == ["ES", "CL", "ZC"]


def test_a_table_of_ones_own_goes_before_the_shipped_one_of_its_products(tmp_path):
    """With a list of products it speaks for these, without one for all."""
    more = '\n[calendar]\nfile = "mine.toml"\n'

    some = loaded(tmp_path, more=more, products=("ES", "CL"), own_products='["MNQ", "EP"]')
    everything = loaded(tmp_path, more=more, products=("ES", "CL"))

    assert tables(some) == ["ES", "CL"]
    assert some.effective_rules()[0].parameters.tables[0].source.startswith("test")
    assert tables(everything) == [""]


@pytest.mark.parametrize(
    ("day", "refused"), [(date(2027, 12, 1), False), (date(2027, 12, 2), True)]
)
def test_every_table_in_use_that_ends_within_30_days_is_said(tmp_path, day, refused):
    """One complaint for each, naming its source; a table nobody uses may end."""
    now = datetime.combine(day, time(12), tzinfo=UTC)
    if not refused:
        assert loaded(tmp_path, now=now, products=("CL",)).warnings == ()
        return

    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, now=now, products=("CL",))

    said = [each for each in error.value.complaints if "calendar_expires_soon" in each]
    assert len(said) == 2
    assert any("CME Globex Equity" in each for each in said)
    assert any("EnergyAndMetals" in each for each in said)


def test_a_session_without_holidays_needs_no_calendar(tmp_path):
    """What is not observed may end."""
    path = tmp_path / "lockstep.toml"
    path.write_text(
        config_of(session_block_outside={"start": "08:30", "end": "15:00", "holidays": False})
    )

    assert load(path, now=datetime(2031, 1, 1, tzinfo=UTC)).warnings == ()


def test_a_product_in_no_table_is_warned_of_at_start(tmp_path):
    """It is guarded by all tables together, and the warning names it."""
    config = loaded(tmp_path, products=("XYZ", "ES"))

    (warning,) = config.warnings

    assert "XYZ" in warning
    assert len(tables(config)) == len(config.context.groups)


def test_an_expired_table_that_is_allowed_is_still_warned_of(tmp_path):
    """`[checks] allow` lets the program start; it does not make it silent."""
    more = '\n[checks]\nallow = ["calendar_expires_soon"]\n'

    config = loaded(tmp_path, now=datetime(2028, 1, 5, tzinfo=UTC), more=more)

    assert any("every session ends at the earliest known close" in each for each in config.warnings)


def test_an_expired_table_knows_the_earliest_close_of_every_table_of_its_zone(tmp_path):
    """Not only its own: 08:15 of stocks for a table that knows 12:15."""
    config = loaded(tmp_path, more='\n[calendar]\nfile = "mine.toml"\n')

    assert config.context.calendar.earliest_close == time(8, 15)
    assert {each.earliest_close for each in config.context.groups} == {time(8, 15)}


BAD_TABLE = """source = "test"
checked = "yesterday"
expires = "2027-12-31"
timezone = "Mars"
closes = "4pm"
holidays = [
    "2026-12-25",
    "2026-13-01",
    "2026-11-22",
]
[early_closes]
2026-11-27 = "25:00"
2026-11-28 = "12:00"
2026-12-25 = "12:00"
soon = "12:00"
2028-01-03 = "12:00"
"""


def test_everything_that_is_wrong_with_a_table_is_said_at_once_with_its_line(tmp_path):
    """A table is a file like the other: key, value, line, and not one mistake a round."""
    (tmp_path / "mine.toml").write_text(BAD_TABLE)
    path = tmp_path / "lockstep.toml"
    path.write_text(config_of(max_contracts={"limit": 1}) + '\n[calendar]\nfile = "mine.toml"\n')

    with pytest.raises(ConfigError) as refused:
        load(path, now=TODAY)

    place = f"{path}:{path.read_text().splitlines().index('[calendar]') + 2}: calendar.file: "
    assert [each.removeprefix(place) for each in refused.value.complaints] == [
        f"{tmp_path / 'mine.toml'}:{said}"
        for said in (
            "2: checked: 'yesterday' is no date; write one like 2026-12-25",
            "4: timezone: 'Mars' is no IANA zone; write one like America/Chicago",
            "5: closes: must be a local time like 17:00, not '4pm'",
            "8: holidays[1]: '2026-13-01' is no date (month must be in 1..12); write one like 2026-12-25",
            "9: holidays[2]: 2026-11-22 is no trading date: days are Mon-Fri",
            "12: early_closes.2026-11-27: must be a local time like 17:00, not '25:00'",
            "13: early_closes.2026-11-28: 2026-11-28 is no trading date: days are Mon-Fri",
            "14: early_closes.2026-12-25: 2026-12-25 is a holiday and has hours",
            "15: early_closes.soon: 'soon' is no date; write one like 2026-12-25",
            "16: early_closes.2028-01-03: 2028-01-03 is after expires = 2027-12-31",
        )
    ]
