import keeper
import pytest


@pytest.mark.parametrize("outcome", ["passes", "fails"])
def test_kept(outcome):
    keeper.kept_stdout.write("through the kept stream\n")
    keeper.kept_write("through the kept method\n")
    keeper.say("through the partial")
    keeper.logger.info("through the handlers")
    assert outcome == "passes"


def test_default_argument(out=keeper.kept_stdout):
    print("through a default argument", file=out)
    assert False


def test_with_capsys(capsys):
    print("seen by capsys")
    assert capsys.readouterr().out == "seen by capsys\n"


def test_again():
    keeper.logger.info("once more")
    assert False
