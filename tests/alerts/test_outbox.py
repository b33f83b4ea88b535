"""What one channel sends next, and when: pure, second by second."""

from datetime import UTC, datetime, time

import pytest

from actors.ops.alerts.outbox import LONGEST, Failure, Outbox
from actors.ops.alerts.settings import QuietTimes, secrets_in, without
from tests.alerts.words import CHICAGO, CRITICAL, INFO, NOW, WARNING, later, notice, terms

DOWN = Failure("HTTP 503")
GONE = Failure("HTTP 404", final=True)
NIGHT = QuietTimes(time(22), time(7), CHICAGO)
MIDNIGHT = datetime(2025, 10, 30, 5, tzinfo=UTC)


def of(*severities, **how):
    """Return an outbox with notices that wait, called by their number."""
    box = Outbox(terms(**how))
    for number, severity in enumerate(severities):
        box.offer(notice(severity, str(number)))
    return box


def drain(box, now):
    """Send all that may be sent at an instant."""
    titles = []
    while sent := box.next(now):
        titles.append(sent.title)
        box.sent()
    return titles


def test_what_may_be_sent_is_sent_one_by_one_the_gravest_first():
    """And of equals the earlier."""
    assert drain(of(INFO, WARNING, CRITICAL, WARNING), NOW) == ["2", "1", "3", "0"]


def test_only_one_message_is_under_way():
    """Until it is known what became of it."""
    box = of(INFO, INFO)

    assert box.next(NOW) is not None
    assert box.next(NOW) is None


@pytest.mark.parametrize(
    ("least", "taken"), [(INFO, ["2", "1", "0"]), (WARNING, ["2", "1"]), (CRITICAL, ["2"])]
)
def test_what_is_less_severe_than_wanted_is_not_taken(least, taken):
    """Exactly as severe is enough."""
    assert drain(of(INFO, WARNING, CRITICAL, min_severity=least), NOW) == taken


@pytest.mark.parametrize(("seconds", "count"), [(0, 0), (19.9, 0), (20, 1)])
def test_beyond_its_rate_it_waits_for_the_next_token_and_tells_the_rest_together(seconds, count):
    """Three a minute: three at once, and then one message every twenty seconds."""
    box = of(*[WARNING] * 7, CRITICAL, max_per_minute=3)
    first = drain(box, NOW)
    rest = drain(box, later(seconds))

    assert first == ["7", "0", "1"]
    assert len(rest) == count
    assert [each.partition(":")[0] for each in rest] == ["5 notices that were held back"][:count]
    assert box.wake_in_s(later(seconds)) == (None if count else pytest.approx(20 - seconds))


def test_what_could_not_be_sent_is_tried_again_later_and_later():
    """Two seconds, four, eight, up to five minutes; nothing is lost."""
    box, at, waits = of(CRITICAL), 0.0, []
    for _ in range(10):
        assert box.next(later(at))
        box.failed(DOWN, later(at))
        waits.append(box.wake_in_s(later(at)))
        assert box.next(later(at + waits[-1] - 0.01)) is None
        at += waits[-1]

    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (box.status().failing_since, box.status().held_back) == (NOW, 1)
    assert drain(box, later(at)) == ["0"]
    assert box.status().failing_since is None


@pytest.mark.parametrize(("asked", "waited"), [(None, 2), (1, 2), (30, 30), (10**9, 3600)])
def test_it_waits_as_long_as_the_channel_asks_but_not_for_ever(asked, waited):
    """An hour at most."""
    box = of(CRITICAL)
    box.next(NOW)
    box.failed(Failure("HTTP 429", retry_after_s=asked), NOW)

    assert box.wake_in_s(NOW) == waited


def test_what_waited_while_it_failed_is_told_in_one_message():
    """The one that was tried among it."""
    box = of(WARNING)
    box.next(NOW)
    box.failed(DOWN, NOW)
    box.offer(notice(CRITICAL, "worse", at=later(1)))
    sent = box.next(later(2))

    assert sent.title == "2 notices that were held back: 1 critical, 1 warning"
    assert sent.lines == ("17:00:01 CRITICAL worse", "17:00:00 WARNING 0")
    assert sent.severity is CRITICAL


def test_what_no_later_try_can_mend_is_given_up_counted_and_told():
    """With the next message that gets through, once."""
    box = of(WARNING)
    box.next(NOW)
    told = box.failed(GONE, NOW)
    box.offer(notice(title="next"))
    after = box.next(later(2))
    box.sent()
    box.offer(notice(title="later"))

    assert told
    assert box.status().lost == 1
    assert after.lines == ("(1 notices before this could not be sent here; the log has them)",)
    assert box.next(later(3)).lines == ()


def test_it_is_told_of_a_channel_when_it_fails_twice_or_for_good():
    """Being refused for a moment is no news."""
    box = of(WARNING, WARNING, WARNING)
    seen = []
    for at in (0, 2, 6):
        box.next(later(at))
        seen.append(box.failed(DOWN, later(at)))

    assert seen == [False, True, True]  # how often it is told is limited where it is


def test_it_is_told_of_a_channel_that_fails_for_good_after_it_has_failed_for_a_moment():
    """One timeout, then the webhook is deleted: nothing gets through ever again."""
    box = of(WARNING, WARNING)
    box.next(NOW)
    assert not box.failed(DOWN, NOW)
    box.next(later(600))

    assert box.failed(GONE, later(600))


def test_no_more_waits_than_fits_and_the_oldest_least_severe_goes_first():
    """However long a channel is down, and however much there is to tell."""
    box = of(CRITICAL, INFO, *[WARNING] * LONGEST)

    assert box.status().held_back == LONGEST
    assert box.status().lost == 2
    titles = {each.title for each in box._waiting}
    assert {"0"} <= titles
    assert {"1", "2"} & titles == set()


@pytest.mark.parametrize(
    ("wall", "quiet"),
    [
        (datetime(2025, 10, 30, 2, 59, 59, tzinfo=UTC), False),
        (datetime(2025, 10, 30, 3, 0, tzinfo=UTC), True),
        (MIDNIGHT, True),
        (datetime(2025, 10, 30, 11, 59, 59, tzinfo=UTC), True),
        (datetime(2025, 10, 30, 12, 0, tzinfo=UTC), False),
    ],
)
def test_quiet_hours_begin_and_end_on_the_second_also_over_midnight(wall, quiet):
    """22:00 to 07:00 in Chicago."""
    assert NIGHT.hold(wall) is quiet


def test_quiet_hours_end_by_the_walls_clock_when_that_is_changed():
    """On the morning of 2 November 2025 the clocks go back: seven o'clock comes an hour later."""
    before = datetime(2025, 11, 2, 4, tzinfo=UTC)

    assert NIGHT.end_after(before) == datetime(2025, 11, 2, 13, tzinfo=UTC)


def test_quiet_hours_that_an_hour_twice_lengthens_end_with_its_second_end():
    """The hour from one to two comes twice that night: half past one too, and both are an end."""
    long = QuietTimes(time(22), time(1, 30), CHICAGO)

    for now, end in (((6, 10), (6, 30)), ((7, 10), (7, 30))):
        instant = datetime(2026, 11, 1, *now, tzinfo=UTC)
        assert long.hold(instant)
        assert long.end_after(instant) == datetime(2026, 11, 1, *end, tzinfo=UTC)


def test_in_quiet_hours_only_what_is_critical_is_sent_and_the_rest_at_their_end():
    """In one message."""
    box = of(INFO, WARNING, CRITICAL, quiet=NIGHT)
    during = drain(box, MIDNIGHT)
    wait_s = box.wake_in_s(MIDNIGHT)
    end = datetime(2025, 10, 30, 12, tzinfo=UTC)

    assert during == ["2"]
    assert wait_s == 7 * 3600
    assert drain(box, end) == ["2 notices that were held back: 1 warning, 1 info"]


def test_what_is_told_while_a_message_is_under_way_is_counted_too():
    """However often a channel fails, no more than so many wait."""
    box = of(*[CRITICAL] * LONGEST)
    box.next(NOW)
    box.failed(DOWN, NOW)
    assert box.next(later(60)).title.startswith(f"{LONGEST} notices")
    for _ in range(50):
        box.offer(notice(WARNING))
    box.failed(DOWN, later(61))

    assert (box.status().held_back, box.status().lost) == (LONGEST, 50)
    assert {each.severity for each in box._waiting} == {CRITICAL}


def test_the_last_chance_waits_for_no_rate_and_no_second_try():
    """But for the end of the quiet hours, for nobody is woken by a stop."""
    box = of(*[WARNING] * 3, max_per_minute=1)
    box.next(NOW)
    box.failed(DOWN, NOW)

    assert box.next(NOW) is None
    assert box.next(NOW, last=True).title == "3 notices that were held back: 3 warning"
    assert of(WARNING, quiet=NIGHT).next(MIDNIGHT, last=True) is None


def test_every_part_of_a_url_that_may_be_a_token_is_blotted_out():
    """In whatever form an error quotes it; words that stand everywhere are left alone."""
    url = "https://me:pass%20word@hooks.example.com/services/T0000000/abcdefghijklmnop?key=12345678"
    parts = ("T0000000", "abcdefghijklmnop", "12345678", "pass word", "pass%20word")
    error = f"{' '.join(parts)}: services: cannot POST {url}"

    said = without(error, secrets_in(url))

    assert [each for each in parts if each in said] == []
    assert "services: cannot POST ***" in said
