import pytest

pytest.register_assert_rewrite("checks")
pytest_plugins = ["helper_plugin"]


def pytest_say(word):
    return f"conftest says {word}"
