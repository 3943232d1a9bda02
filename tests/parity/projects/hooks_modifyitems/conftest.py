import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    items.reverse()
    gone = [item for item in items if "drop" in item.name]
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=gone)
    for item in items:
        if item.name == "test_b":
            item.add_marker(pytest.mark.skip(reason="skipped by conftest"))
        if item.name == "test_c":
            item._nodeid = item.nodeid + " (renamed)"
        item.user_properties.append(("position", items.index(item)))


def pytest_itemcollected(item):
    if item.name == "test_d":
        item.add_marker("xfail")


def pytest_ignore_collect(collection_path):
    return True if collection_path.name == "test_ignored.py" else None


def pytest_make_parametrize_id(val):
    return f"val-{val}" if isinstance(val, int) else None


def pytest_generate_tests(metafunc):
    if "generated" in metafunc.fixturenames:
        metafunc.parametrize("generated", [1, 2])
