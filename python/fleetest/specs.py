"""How workers are asked for one by one: ``--tx``, with execnet's notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

_LATER = ("ssh", "socket", "vagrant_ssh", "via", "installvia")
"""Keys of workers that are elsewhere."""

_TEXTS = ("id", "python", "chdir")
_WITHOUT_MEANING = ("execmodel",)
"""Execnet's threads, which there are none of here."""

_HERE = "popen"


class Spec:
    """What xdist calls the execution spec of a gateway: ``popen//python=python3.12//chdir=/tmp``.

    The parts of the notation are attributes; what is not said is None or False.
    """

    popen = True
    ssh = None
    socket = None
    via = None
    execmodel = "main_thread_only"

    def __init__(self, text: str) -> None:
        """Read the notation.

        :raises ValueError: it is not understood, or asks for what there is not
        """
        self._spec = text
        self.id: str | None = None
        self.python: str | None = None
        self.chdir: str | None = None
        self.env: dict[str, str] = {}
        """Added to the environment."""
        keys = [self._read(part) for part in text.split("//")]
        if _HERE not in keys:
            raise ValueError(f"{text!r} does not say 'popen'")

    def _read(self, part: str) -> str:
        key, equals, value = part.partition("=")
        if key.startswith("_"):
            raise ValueError(f"{key!r} begins with an underscore")
        if key in _LATER:
            raise ValueError(
                f"{key}= needs a host agent, which this version of fleetest does not have: use popen"
            )
        if key.startswith("env:") and len(key) > len("env:"):
            self.env[key[len("env:") :]] = value
        elif key in _TEXTS and value:
            setattr(self, key, value)
        elif key not in (_HERE, *_WITHOUT_MEANING) or (key == _HERE and equals):
            raise ValueError(f"{part!r} is not known")
        return key

    @property
    def is_plain(self) -> bool:
        """Whether any way to make a worker of this session will do."""
        return self.python is None and self.chdir is None and not self.env

    def __str__(self) -> str:
        return self._spec

    def __repr__(self) -> str:
        return f"<XSpec {self._spec!r}>"

    def __hash__(self) -> int:
        return hash(self._spec)

    def __eq__(self, other: object) -> bool:
        return self._spec == getattr(other, "_spec", None)


def repeat(texts: Iterable[str]) -> list[str]:
    """``3*popen`` is three of them."""
    specs: list[str] = []
    for text in texts:
        count, star, rest = text.partition("*")
        specs += [rest] * int(count) if star and count.isdigit() else [text]
    return specs


def parse_tx_spec_config(config: pytest.Config) -> list[str]:
    """The notation of each worker that the command line asks for.

    :raises pytest.UsageError: it asks for none
    """
    specs = repeat(config.getoption("tx", None) or ())
    if not specs:
        raise pytest.UsageError("MISSING test execution (tx) nodes: please specify --tx")
    return specs


def read_specs(texts: Iterable[str]) -> list[Spec]:
    """The same, understood; each has an id.

    :raises pytest.UsageError: one is not understood, or an id is there twice
    """
    specs = []
    for text in texts:
        try:
            specs.append(Spec(text))
        except ValueError as error:
            raise pytest.UsageError(f"--tx {text}: {error}") from None
    taken = [spec.id for spec in specs if spec.id is not None]
    for name in taken:
        if taken.count(name) > 1:
            raise pytest.UsageError(f"--tx: the id {name} is there twice")
    for spec in specs:
        if spec.id is None:
            spec.id = free_id(taken)
            taken.append(spec.id)
    return specs


def are_plain(config: pytest.Config) -> bool:
    """Whether all workers run this interpreter, here and with this environment."""
    return all(Spec(text).is_plain for text in parse_tx_spec_config(config))


def free_id(taken: Iterable[str]) -> str:
    """The next id of a worker: ``gw0`` and so on."""
    known, number = set(taken), 0
    while f"gw{number}" in known:
        number += 1
    return f"gw{number}"
