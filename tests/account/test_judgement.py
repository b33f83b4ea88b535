"""The last judgement: clean only when every rule that was asked has answered to this very one."""

from actors.account.judgement import Judgement


def test_nothing_is_clean_before_it_was_judged():
    """No answers missing is not the same as all answers there."""
    assert not Judgement().clean


def test_it_is_clean_when_every_rule_has_answered():
    """As often as it was asked."""
    judgement = Judgement()
    name = judgement.begin(["RULE-001", "RULE-003", "RULE-003"])

    for rule in ("RULE-003", "RULE-001"):
        judgement.answered(name, rule)
        assert not judgement.clean
    judgement.answered(name, "RULE-003")
    assert judgement.clean


def test_without_rules_it_is_clean_at_once():
    """Nobody has to be asked."""
    judgement = Judgement()
    judgement.begin([])

    assert judgement.clean


def test_answers_to_an_earlier_judgement_or_to_none_do_not_count():
    """The picture was another one."""
    judgement = Judgement()
    old = judgement.begin(["RULE-001"])
    new = judgement.begin(["RULE-001"])

    judgement.answered(old, "RULE-001")
    judgement.answered(None, "RULE-001")
    assert not judgement.clean

    judgement.answered(new, "RULE-001")
    assert judgement.clean
    judgement.void()
    assert not judgement.clean
