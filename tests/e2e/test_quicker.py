"""Replacements of functions of pytest's give what the originals give."""

from __future__ import annotations

import json

from lab import Project


def test_argument_names(project: Project) -> None:
    """Functions and methods of every shape have the same arguments."""
    project.file(
        "test_it.py",
        """
        import functools, inspect, random, types
        from unittest import mock

        import _pytest.fixtures
        import pytest
        from _pytest.outcomes import Failed
        from fleetest.privates import quicker

        def answer(function, *args, **kwargs):
            try:
                return function(*args, **kwargs)
            except (Exception, Failed) as error:
                return type(error), str(error)

        def same(function, **kwargs):
            expected = answer(quicker._getfuncargnames, function, **kwargs)
            assert answer(quicker.getfuncargnames, function, **kwargs) == expected
            return expected

        def random_signature(random):
            names = iter("abcdefghijkl")
            parts, has_default = [], False
            for _ in range(random.randint(0, 4)):
                has_default |= random.random() < 0.3
                parts.append(next(names) + (": int" if random.random() < 0.2 else "") + "=1" * has_default)
            if parts and random.random() < 0.2:
                parts.insert(random.randint(1, len(parts)), "/")
            if random.random() < 0.4:
                parts.append("*rest" if random.random() < 0.5 else "*")
                for _ in range(random.randint(parts[-1] == "*", 3)):
                    parts.append(next(names) + "=1" * (random.random() < 0.5))
            if random.random() < 0.3:
                parts.append("**named")
            return ", ".join(parts)

        def test_is_installed():
            assert _pytest.fixtures.getfuncargnames is quicker.getfuncargnames

        def test_random():
            source, seen = random.Random(1), set()
            for _ in range(2000):
                signature, names = random_signature(source), {}
                exec(f"def function({signature}): return 1", names)
                function = names["function"]
                seen.add(same(function))
                pytest.mark.usefixtures("a")(function)
                same(function, name="function")
                for made in (function, staticmethod(function), classmethod(function), property(function)):
                    cls = type("Tests", (), {"function": made})
                    same(function, cls=cls)
                    same(function, name="function", cls=type("Derived", (cls,), {}))
                    same(function, name="missing", cls=cls)
            assert len(seen) > 50

        def decorated(function):
            @functools.wraps(function)
            def inner(*args, **kwargs):
                return function(*args, **kwargs)
            return inner

        class Callable:
            def __call__(self, a, b=1): pass

        def signed(a, b): pass
        signed.__signature__ = inspect.Signature([])

        def broken(a: "no.such"): pass

        @mock.patch("os.getcwd")
        def patched(a, b): pass

        @pytest.mark.parametrize("function", [
            decorated(lambda a, b: 1), functools.partial(lambda a, b: 1, 2), Callable(), Callable().__call__,
            signed, broken, patched, len, str.upper, type, 3, lambda: 0,
        ])
        def test_others(function):
            same(function)
            same(function, name="function", cls=type("Tests", (), {"function": function}))
        """,
    )
    project.fleetest("-n", "0").check(0).counts(passed=14)


def test_keywords(project: Project) -> None:
    """Keywords come in the same order, own ones first, each once."""
    project.file("sub/__init__.py")
    project.file(
        "sub/test_it.py",
        """
        import pytest

        def original(keywords):
            yield from keywords._markers
            if keywords.parent is not None:
                for keyword in original(keywords.parent.keywords):
                    if keyword not in keywords._markers:
                        yield keyword

        pytestmark = [pytest.mark.one, pytest.mark.two]

        @pytest.mark.two
        @pytest.mark.three
        class TestThem:
            @pytest.mark.one
            @pytest.mark.parametrize("n", [1, 2])
            def test_it(self, request, n):
                request.node.add_marker("late")
                for node in request.node.listchain():
                    assert list(node.keywords) == list(original(node.keywords))
                    assert len(node.keywords) == len(set(original(node.keywords)))
                assert {"late", "one", "two", "three", "sub"} < set(request.node.keywords)
        """,
    )
    project.fleetest("-n", "0", "-Wignore").check(0).counts(passed=2)


def test_markers_and_parents(project: Project) -> None:
    """Markers come from the test outwards; the nearest parent of a class is found."""
    project.file(
        "sub/test_it.py",
        """
        import pytest

        pytestmark = [pytest.mark.one(1), pytest.mark.two(2)]

        @pytest.mark.one(3)
        class TestThem:
            @pytest.mark.two(4)
            @pytest.mark.one(5)
            def test_it(self, request):
                node = request.node
                found = [(type(where), mark.args[0]) for where, mark in node.iter_markers_with_node()]
                function, cls, module = pytest.Function, pytest.Class, pytest.Module
                assert found == [(function, 5), (function, 4), (cls, 3), (module, 1), (module, 2)]
                assert [mark.args[0] for mark in node.iter_markers("one")] == [5, 3, 1]
                assert node.get_closest_marker("two").args == (4,)
                assert node.get_closest_marker("three") is None
                assert node.getparent(pytest.Class).name == "TestThem"
                assert node.getparent(pytest.Item) is node
                assert node.getparent(pytest.Session) is request.session
                assert node.getparent(pytest.Function).getparent(pytest.Module) is node.parent.parent
                assert request.session.getparent(pytest.Module) is None
        """,
    )
    project.fleetest("-n", "0", "-Wignore").check(0).counts(passed=1)


def test_wrapped_fixtures(project: Project) -> None:
    """A fixture that is hidden behind something is found, where pytest looks for it."""
    project.file(
        "test_it.py",
        """
        import functools, inspect, os, types, unittest.mock

        import pytest
        from _pytest.fixtures import FixtureManager

        quick = getattr(FixtureManager, "_find_wrapped_fixture_def", None)

        @pytest.fixture
        def plain(): pass

        @functools.wraps(plain)
        def hidden(): pass

        class Proxy:
            def __getattr__(self, name): raise RuntimeError(name)

        things = [plain, hidden, staticmethod(plain), classmethod(plain), Proxy(), None, 1, "a", (), [], {}, True]
        things += [thing for module in (functools, inspect, os, types, unittest.mock, pytest)
                   for thing in vars(module).values()]
        things += [value for thing in things if isinstance(thing, type) for value in vars(thing).values()]

        @pytest.mark.skipif(quick is None, reason="this pytest does not look for them")
        def test_them():
            found = 0
            for thing in things:
                result = quick(None, thing)
                assert result is quick.__wrapped__(None, thing)
                found += result is not None
            assert found == 4
        """,
    )
    project.fleetest("-n", "0", "-Wignore").check(0)


def test_instances_of_nodes(project: Project) -> None:
    """Virtual subclasses and hooks of classes count, as soon as there are any."""
    project.file(
        "test_it.py",
        """
        import abc
        from unittest import mock

        import pytest
        from _pytest.nodes import NodeMeta

        def is_direct():
            return "__instancecheck__" in vars(NodeMeta)

        class Other:
            pass

        @pytest.fixture(autouse=True)
        def usual(request):
            assert isinstance(request.node, pytest.Item) and not isinstance(request.node, pytest.Class)
            assert isinstance(mock.Mock(spec=request.node), pytest.Function)
            assert not isinstance(None, pytest.Item)
            yield

        if issubclass(NodeMeta, abc.ABCMeta):
            def test_at_first():
                assert is_direct()
                class Mine(pytest.Item): pass
                class Mixed(pytest.File, abc.ABC): pass
                assert is_direct()

            def test_a_virtual_subclass():
                assert not isinstance(Other(), pytest.Item)
                class Mine(pytest.Item): pass
                Mine.register(Other)
                assert isinstance(Other(), pytest.Item) and not is_direct()

            def test_a_hook():
                class Hooked(pytest.Item):
                    @classmethod
                    def __subclasshook__(cls, other):
                        return other is int
                assert isinstance(1, Hooked)
        """,
    )
    for name in ("first", "virtual", "hook", "first or virtual or hook"):
        project.fleetest("-n", "0", "-k", name).check(0)


def test_what_is_in_a_class(project: Project) -> None:
    """The first base that has a name says what it is, whatever that is."""
    project.file(
        "test_it.py",
        """
        import pytest
        from _pytest.fixtures import FixtureManager
        from fleetest.privates import quicker

        class Base:
            own, hidden = 1, 2

        class Tests(Base):
            hidden = None

        @pytest.mark.skipif(not hasattr(FixtureManager, "_lookup_in_type_dict"), reason="older")
        def test_it():
            look = FixtureManager._lookup_in_type_dict
            assert look is quicker.look_up_in_type
            assert [look(None, Tests, name) for name in ("own", "hidden", "none")] == [1, None, None]
            assert look(None, pytest, "fixture") is pytest.fixture
            assert look(None, pytest, "none") is None
        """,
    )
    project.fleetest("-n", "0", "-Wignore").check(0)


def test_tests_with_shared_parameters_are_moved_together(project: Project) -> None:
    """And without any, or of equal ones, the list is as pytest's own would be."""
    project.file(
        "conftest.py",
        """
        import pytest
        import _pytest.fixtures

        class Equal(pytest.Item):
            def __eq__(self, other): return type(other) is Equal
            def __hash__(self): return 1
            def runtest(self): pass

        @pytest.fixture(params=[1, 2], scope="session")
        def wide(request): return request.param

        @pytest.fixture(params=[1, 2])
        def narrow(request): return request.param

        @pytest.hookimpl(tryfirst=True)
        def pytest_collection_modifyitems(session, items):
            ours = _pytest.fixtures.reorder_items
            plain = [item for item in items if "wide" not in item.fixturenames]
            equal = [Equal.from_parent(session, name=name) for name in "abc"]
            given = [items, items[::-1], plain, plain + plain, equal, plain + equal, [], plain[:1]]
            found = [[item.name for item in ours(each)] for each in given]
            assert found == [[item.name for item in ours.__wrapped__(each)] for each in given]
            assert found[0] != [item.name for item in items]
            assert found[2] == [item.name for item in plain]
            assert (len(found[3]), len(found[4])) == (len(plain), 1)
        """,
    )
    project.file(
        "test_it.py",
        """
        import pytest

        def test_wide_1(wide): pass
        def test_narrow(narrow): pass
        @pytest.mark.parametrize("value", [[], {}])
        def test_unhashable(value): pass
        def test_wide_2(wide): pass
        def test_none(): pass
        """,
    )
    project.fleetest("-n", "0").check(0)


def test_node_ids_are_saved(project: Project) -> None:
    """Also where the file has others, or something else, or is gone; it stays as it is where it has them."""
    project.file(
        "test_a.py", "import pytest\n@pytest.mark.parametrize('x', 'ba')\ndef test_a(x): pass\n"
    )
    path = project.path / ".pytest_cache/v/cache/nodeids"
    project.pytest("-q").check(0)
    ids, text = ["test_a.py::test_a[a]", "test_a.py::test_a[b]"], path.read_bytes()
    assert json.loads(text) == ids
    before = path.stat()
    project.fleetest("-n2").check(0)
    assert path.read_bytes() == text
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    for other in ("[]", json.dumps(ids[::-1]), json.dumps(ids[:1]), "{}", "["):
        path.write_text(other)
        project.fleetest("-n2").check(0)
        assert path.read_bytes() == text
    path.unlink()
    project.fleetest("-n2").check(0)
    assert path.read_bytes() == text
    project.file("test_b.py", "def test_b(): pass\n")
    project.fleetest("-n2").check(0)
    assert json.loads(path.read_bytes()) == [*ids, "test_b.py::test_b"]
