import checks


def test_say(say):
    assert say("hello") == "conftest says hello"


def test_helper():
    checks.check(["not", "the same"])


def test_plugin_helper():
    import helper_plugin

    helper_plugin.check_in_plugin({})


def test_extra(request):
    if not request.config.pluginmanager.has_plugin("extra_plugin"):
        return
    assert request.getfixturevalue("extra") == 1
