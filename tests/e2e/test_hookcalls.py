"""Hook calls in C do what pluggy's own do: results, order, exceptions and their tracebacks."""

from __future__ import annotations

import gc
import random
import traceback
import warnings
from collections.abc import Iterator
from typing import Any, Callable

import pluggy
import pytest
from fleetest import _core, hookcalls

spec = pluggy.HookspecMarker("x")
impl = pluggy.HookimplMarker("x")


class Specs:
    """One hook of each kind."""

    @spec
    def every(self, a: int, b: int) -> None:
        """All results."""

    @spec(firstresult=True)
    def first(self, a: int, b: int) -> None:
        """The first result."""


class OopsError(Exception):
    """What implementations raise."""


def plain(log: list[Any], name: str, what: str) -> Callable[..., Any]:
    """An implementation that is no wrapper."""

    def function(a: int) -> Any:
        log.append((name, a))
        if what == "raises":
            raise OopsError(name)
        if what == "stops":
            raise StopIteration(name)
        return {"none": None, "value": name, "falsy": 0}[what]

    return function


def wrapper(log: list[Any], name: str, what: str) -> Callable[..., Any]:
    """A new-style wrapper."""

    def function(b: int, a: int) -> Iterator[Any]:
        log.append((name, "set up", a, b))
        if what == "raises early":
            raise OopsError(name)
        if what == "does not yield":
            return name
        try:
            result = yield
        except BaseException as error:
            log.append((name, repr(error)))
            if what == "swallows":
                return [name]
            raise
        log.append((name, repr(result)))
        if what == "raises late":
            raise OopsError(name)
        if what == "yields twice":
            yield
        return [name] if what == "replaces" else result

    return function


def old_wrapper(log: list[Any], name: str, what: str) -> Callable[..., Any]:
    """An old-style wrapper."""

    def function(a: int) -> Iterator[None]:
        log.append((name, "set up", a))
        if what == "raises early":
            raise OopsError(name)
        if what == "does not yield":
            return
        outcome: Any = yield
        log.append((name, repr(outcome.exception), repr(outcome._result)))
        if what == "raises late":
            raise OopsError(name)
        if what == "yields twice":
            yield
        if what == "replaces" or (what == "swallows" and outcome.exception):
            outcome.force_result([name])
        if what == "forces":
            outcome.force_exception(OopsError(name))

    return function


WRAPPERS = (
    *("passes", "passes", "passes", "replaces", "swallows", "raises early", "raises late"),
    *("yields twice", "does not yield"),
)


def add_random(pm: pluggy.PluginManager, hook: str, dice: random.Random, log: list[Any]) -> None:
    """Register some implementations."""
    for number in range(dice.randint(0, 8)):
        kind, order, name = dice.choice("ppwo"), dice.choice([None, "first", "last"]), f"{number}"
        options: dict[str, Any] = {"tryfirst": order == "first", "trylast": order == "last"}
        if kind == "p":
            what = dice.choices(["none", "value", "falsy", "raises", "stops"], [4, 4, 1, 1, 0.3])[0]
            function = plain(log, name, what)
        elif kind == "w":
            function = wrapper(log, name, dice.choice(WRAPPERS))
            options["wrapper"] = True
        else:
            function = old_wrapper(log, name, dice.choice((*WRAPPERS, "forces")))
            options["hookwrapper"] = True
        plugin = type("Plugin", (), {hook: staticmethod(impl(**options)(function))})
        pm.register(plugin, name)


def frames(error: BaseException | None) -> Any:
    """The exception with the places that it passed, its cause and context."""
    if error is None:
        return None
    places = [
        (
            frame.f_code.co_filename,
            frame.f_code.co_name,
            line,
            frame.f_locals.get("__tracebackhide__"),
        )
        for frame, line in traceback.walk_tb(error.__traceback__)
    ]
    return repr(error), places, frames(error.__cause__), frames(error.__context__)


def observe(hook: str, seed: int, fast: bool) -> Any:
    """Everything that can be seen of one call."""
    dice, log = random.Random(seed), []
    pm = pluggy.PluginManager("x")
    pm.add_hookspecs(Specs)
    if fast:
        hookcalls.speed_up(pm)  # type: ignore[arg-type]
    add_random(pm, hook, dice, log)
    kwargs = {"a": 1, "b": 2} if dice.random() < 0.95 else {"b": 2}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = repr(getattr(pm.hook, hook)(**kwargs))
            error = None
        except BaseException as raised:  # noqa: BLE001 - compared
            result, error = "", raised
    told = [str(warning.message) for warning in caught]
    return result, log.copy(), frames(error), told


@pytest.fixture
def no_collecting() -> Iterator[None]:
    """What an exception keeps alive speaks up when garbage is collected: not meanwhile."""
    gc.disable()
    yield
    gc.enable()


needed = pytest.mark.skipif(
    not hasattr(__import__("pluggy._callers")._callers, "run_old_style_hookwrapper"),
    reason="the shortcut is for pluggy 1.6 and later",
)


@needed
def test_is_used() -> None:
    """A known pluggy gets the shortcut; a manager that is traced keeps what it has."""
    pm = pluggy.PluginManager("x")
    original = pm._inner_hookexec
    hookcalls.speed_up(pm)  # type: ignore[arg-type]
    assert pm._inner_hookexec is not original
    assert pm._inner_hookexec.__code__.co_filename == original.__code__.co_filename
    traced = pluggy.PluginManager("x")
    traced.add_hookcall_monitoring(lambda *args: None, lambda *args: None)
    before = traced._inner_hookexec
    hookcalls.speed_up(traced)  # type: ignore[arg-type]
    assert traced._inner_hookexec is before


@needed
@pytest.mark.usefixtures("no_collecting")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::pluggy.PluggyTeardownRaisedWarning")
@pytest.mark.parametrize("hook", ["every", "first"])
def test_same_as_pluggy(hook: str) -> None:
    """3,000 random sets of implementations: the same is seen."""
    for seed in range(3000):
        expected, seen = observe(hook, seed, False), observe(hook, seed, True)
        assert seen == expected, f"seed {seed}"


def managers(plugin: object) -> Iterator[pluggy.PluginManager]:
    """Two that have the plugin: as pluggy makes it, and with the shortcut."""
    for fast in (False, True):
        pm = pluggy.PluginManager("x")
        pm.add_hookspecs(Specs)
        if fast:
            hookcalls.speed_up(pm)  # type: ignore[arg-type]
        pm.register(plugin)
        yield pm


@needed
def test_optional_arguments() -> None:
    """What the shortcut does not know is left to pluggy."""

    class Other:
        @impl
        def every(self, a: int, b: int = 3, *, c: int = 4) -> Any:
            return (a, b, c)

    plain, fast = (pm.hook.every(a=1, b=2) for pm in managers(Other()))
    assert plain == fast


@needed
def test_a_warning_that_blames_the_caller() -> None:
    """stacklevel counts frames: it points to the line of pluggy that it always points to."""

    class Plugin:
        @impl
        def every(self) -> None:
            warnings.warn("look", stacklevel=2)

    places = []
    for pm in managers(Plugin()):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            pm.hook.every(a=1, b=2)
        places.append([(warning.filename, warning.lineno) for warning in caught])
    assert places[0] == places[1]


def test_unfinished_is_a_list() -> None:
    """pluggy goes through it from its end."""
    assert list(reversed(_core.Unfinished([1, 2]))) == [2, 1]
