"""Which answer means what: the whole table of error codes."""

import json

import pytest

from actors.gateway.answers import (
    CANCEL_ORDER,
    CLOSE_CONTRACT,
    MODIFY_ORDER,
    PARTIAL_CLOSE,
    PLACE_ORDER,
    Reply,
    expiry_of,
    outcome_of,
    read_of,
    rows_of,
    token_of,
)
from actors.gateway.errors import BrokerUnreachableError, LoginRefusedError, ReadFailedError
from actors.secrets import Secrets
from messages.values import Done, NotSent, Rejected, Uncertain

AMBIGUOUS = {
    PLACE_ORDER: {6, 7},
    CANCEL_ORDER: {4, 5},
    MODIFY_ORDER: {4, 5},
    CLOSE_CONTRACT: {6, 7},
    PARTIAL_CLOSE: {7, 8},
}
LAST_CODE = {
    PLACE_ORDER: 10,
    CANCEL_ORDER: 6,
    MODIFY_ORDER: 7,
    CLOSE_CONTRACT: 8,
    PARTIAL_CLOSE: 9,
}


def reply(status=200, /, **fields):
    return Reply(status, json.dumps(fields).encode(), None)


@pytest.mark.parametrize("endpoint", LAST_CODE)
def test_each_code_is_rejected_or_ambiguous_as_documented(endpoint):
    """OrderPending, Pending, UnknownError and codes nobody documented are never taken as refusals."""
    for code in range(1, LAST_CODE[endpoint] + 3):
        outcome = outcome_of(endpoint, reply(success=False, errorCode=code, errorMessage=None))
        certain = code <= LAST_CODE[endpoint] and code not in AMBIGUOUS[endpoint]

        assert isinstance(outcome, Rejected if certain else Uncertain), (endpoint, code)


def test_a_refusal_carries_the_brokers_words_or_the_codes_name():
    """Text first, name where there is none."""
    worded = reply(success=False, errorCode=2, errorMessage="Invalid stop price.")
    bare = reply(success=False, errorCode=2, errorMessage=None)

    assert outcome_of(PLACE_ORDER, worded) == Rejected(code=2, text="Invalid stop price.")
    assert outcome_of(CLOSE_CONTRACT, bare) == Rejected(code=2, text="PositionNotFound")


@pytest.mark.parametrize(
    ("endpoint", "answer", "kind"),
    [
        pytest.param(CLOSE_CONTRACT, reply(success=True, errorCode=0), Done, id="success"),
        pytest.param(CLOSE_CONTRACT, reply(success=True), Done, id="success without a code"),
        pytest.param(
            CLOSE_CONTRACT, reply(success=True, errorCode=2), Uncertain, id="contradiction"
        ),
        pytest.param(CLOSE_CONTRACT, reply(success=False), Uncertain, id="failure without a code"),
        pytest.param(CLOSE_CONTRACT, reply(), Uncertain, id="neither"),
        pytest.param(CLOSE_CONTRACT, reply(success="yes"), Uncertain, id="success is a text"),
        pytest.param(CLOSE_CONTRACT, Reply(200, b"<html>", None), Uncertain, id="no JSON"),
        pytest.param(CLOSE_CONTRACT, Reply(200, b"null", None), Uncertain, id="null"),
        pytest.param(PLACE_ORDER, reply(success=True), Uncertain, id="placed, but which order?"),
        *[
            pytest.param(CLOSE_CONTRACT, reply(status), kind, id=f"HTTP {status}")
            for kind, statuses in (
                (NotSent, (400, 401, 403, 404, 405, 413, 415, 429)),
                (Uncertain, (202, 302, 408, 409, 499, 500, 502, 503, 504)),
            )
            for status in statuses
        ],
    ],
)
def test_every_other_answer_is_taken_for_the_worst_it_can_be(endpoint, answer, kind):
    """Only a proof counts."""
    assert isinstance(outcome_of(endpoint, answer), kind)


def test_a_placed_order_comes_with_its_id():
    """The enforcer and the journal name it."""
    assert outcome_of(PLACE_ORDER, reply(success=True, errorCode=0, orderId=7)) == Done(order_id=7)


@pytest.mark.parametrize(
    "answer",
    [
        reply(500),
        reply(success=False, errorCode=1),
        reply(success=True, errorCode=3),
        reply(),
        Reply(200, b"[]", None),
    ],
)
def test_a_read_that_is_no_clear_success_failed(answer):
    """Unknown is never empty."""
    with pytest.raises(ReadFailedError):
        read_of("/Position/searchOpen", answer)


@pytest.mark.parametrize("rows", [None, {}, 0, [None], [1]])
def test_a_list_that_is_none_is_not_an_empty_list(rows):
    """A null list is no proof of flat; neither is one with nulls in it."""
    answer = read_of("/x", reply(success=True, errorCode=0, positions=rows))

    with pytest.raises(ReadFailedError):
        rows_of("/x", answer, "positions", lambda row: row)


def test_a_refused_login_names_the_code_and_hides_the_key():
    """Whatever the broker writes back."""
    answer = reply(success=False, errorCode=3, errorMessage="bad key s3cret", token=None)

    with pytest.raises(LoginRefusedError, match=r"InvalidCredentials \(3\) bad key \*\*\*"):
        token_of(answer, place="login 'desk'", blot=Secrets("u", "s3cret").blot)


@pytest.mark.parametrize("answer", [reply(503), reply(success=True), Reply(200, b"?", None)])
def test_a_login_that_is_not_answered_is_not_refused(answer):
    """An outage is no wrong key."""
    with pytest.raises(BrokerUnreachableError):
        token_of(answer, place="login 'desk'", blot=Secrets("u", "s3cret").blot)


@pytest.mark.parametrize("token", ["", "opaque", "a.b.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c"])
def test_a_token_that_does_not_tell_its_end_has_none(token):
    """Opaque tokens are allowed."""
    assert expiry_of(token) is None
