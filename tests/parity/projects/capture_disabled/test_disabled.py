import logging


def test_disabled(capsys):
    print("captured before")
    with capsys.disabled():
        print("straight to the terminal")
    print("captured after")
    assert capsys.readouterr().out == "captured before\ncaptured after\n"


def test_disabled_capfd(capfd):
    with capfd.disabled():
        print("past the descriptors")


def test_disabled_and_fails(capsys):
    print("kept")
    with capsys.disabled():
        print("not kept")
        logging.getLogger("d").warning("logged while disabled")
    assert False


def test_after(capsys):
    print("still captured")
    assert capsys.readouterr().out == "still captured\n"
