import pytest
from fleetest.option_kinds import KINDS, Kind, configuration


def declared(config):
    parser = config._parser
    groups = [*parser._groups, *([parser._anonymous] if hasattr(parser, "_anonymous") else [])]
    return {
        option.dest: option.names()
        for group in groups
        for option in group.options
    }


def test_every_option_is_known(pytestconfig):
    unknown = {dest: names for dest, names in declared(pytestconfig).items() if dest not in KINDS}
    assert unknown == {}


def test_what_is_set_is_known(pytestconfig):
    # Those that are no option's own: the files, and what other options set beside theirs.
    assert set(vars(pytestconfig.option)) - KINDS.keys() <= {"file_or_dir"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"verbose": 1, "keyword": "a", "maxfail": 3}, {}),
        ({"importmode": "importlib"}, {"importmode": "importlib"}),
        ({"importmode": "prepend"}, {}),
        ({"of_a_plugin": 0}, {"of_a_plugin": 0}),
    ],
)
def test_configuration(values, expected):
    assert configuration(values, {"importmode": "prepend", "verbose": 0}) == expected


def test_kinds():
    assert KINDS["help"] is Kind.INSTEAD
    assert KINDS["numprocesses"] is Kind.PRESENTATION
