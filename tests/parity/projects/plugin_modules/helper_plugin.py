import pytest


class Hooks:
    @pytest.hookspec(firstresult=True)
    def pytest_say(self, word):
        """Say something."""


def pytest_addhooks(pluginmanager):
    pluginmanager.add_hookspecs(Hooks)


@pytest.fixture
def say(pytestconfig):
    return lambda word: pytestconfig.hook.pytest_say(word=word)


def check_in_plugin(value):
    assert value == {"rewritten": "in plugin"}
