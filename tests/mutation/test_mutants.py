"""The mutator itself: it changes what runs and nothing else, and a change that matters is noticed."""

import ast

from tests.mutation.mutants import mutants

SOURCE = '''"""A module: 1 < 2."""


def level(size: int = 3, *, on: bool = True) -> "int | None":
    """Say 4."""
    if size < 5 and not on:
        return None
    return -size + 1
'''


def test_every_kind_of_change_is_made_once():
    """Comparisons, and/or/not, arithmetic, numbers, flags, returns; the empty return stays."""
    made = {(each.line, each.after) for each in mutants(SOURCE)}

    assert made == {
        (4, "4"),
        (4, "False"),
        (6, "size < 5 or not on"),
        (6, "size <= 5"),
        (6, "size >= 5"),
        (6, "6"),
        (6, "on"),
        (8, "None"),
        (8, "-size - 1"),
        (8, "size"),
        (8, "2"),
    }


def test_a_mutant_is_the_module_with_one_place_changed():
    """The rest of the file stands as it was, and it is still Python."""
    for each in mutants(SOURCE):
        ast.parse(each.source)
        assert each.source.replace(f"({each.after})", each.before, 1) == SOURCE


def test_a_mutant_knows_which_tests_can_notice_it():
    """A default is run by the import, the body by whoever calls it; both are named by their function."""
    places = {
        (each.before, each.after): (each.where, each.imported, each.lines)
        for each in mutants(SOURCE)
    }

    assert places["3", "4"] == ("", True, range(4, 9))
    assert places["5", "6"] == ("level", False, range(6, 8))
    assert places["-size + 1", "-size - 1"] == ("level", False, range(8, 9))
