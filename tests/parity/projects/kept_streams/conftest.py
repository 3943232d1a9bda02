import sys

print("conftest is imported")
sys.stderr.write("conftest on stderr\n")


def pytest_configure():
    print("configure")


def pytest_collection_modifyitems():
    print("modifyitems")


def pytest_runtest_setup(item):
    print("setup hook of", item.name)
