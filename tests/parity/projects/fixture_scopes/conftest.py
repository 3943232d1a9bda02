import pytest

# What is set up now, outermost first. Each process has its own.
ALIVE = []


def enter(name):
    assert name not in ALIVE, f"{name} set up twice"
    ALIVE.append(name)
    yield name
    assert ALIVE[-1] == name, f"{name} torn down while {ALIVE} are set up"
    ALIVE.pop()


@pytest.fixture(scope="session")
def session_wide():
    yield from enter("session")


@pytest.fixture(scope="package")
def package_wide(session_wide):
    yield from enter("package")


@pytest.fixture(scope="module")
def module_wide(package_wide, request):
    yield from enter(f"module {request.module.__name__}")


@pytest.fixture(scope="class")
def class_wide(module_wide, request):
    yield from enter(f"class {request.cls and request.cls.__name__}")


@pytest.fixture
def function_wide(class_wide):
    yield from enter("function")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if ALIVE:
        session.exitstatus = 99
