import os

import pytest


def test_patch(mocker):
    mocker.patch("os.getcwd", return_value="/mocked")
    assert os.getcwd() == "/mocked"


def test_is_restored():
    assert os.getcwd() != "/mocked"


def test_spy(mocker):
    spy = mocker.spy(os.path, "join")
    os.path.join("a", "b")
    spy.assert_called_once_with("a", "b")


def test_explains(mocker):
    stub = mocker.stub("listener")
    stub(1, key="value")
    stub.assert_called_once_with(2, key="other")


@pytest.fixture
def patched(mocker):
    return mocker.patch.dict(os.environ, {"MOCKED": "yes"})


def test_in_fixture(patched):
    assert os.environ["MOCKED"] == "yes"


def test_session(session_mocker, module_mocker, class_mocker):
    assert session_mocker.sentinel.x is not module_mocker.sentinel.y
