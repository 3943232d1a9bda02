"""Settings from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

PREFIX = "SHOP_"


@dataclass(frozen=True)
class Settings:
    """How the shop runs; each field can be set by an environment variable."""

    database: Path = Path("shop.db")
    currency: str = "EUR"
    region: str = "DE"
    low_water: int = 5
    debug: bool = False

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        >>> Settings.from_env({"SHOP_DEBUG": "yes", "SHOP_LOW_WATER": "2"}).low_water
        2
        """
        environ = os.environ if environ is None else environ
        values: dict[str, object] = {}
        for field in fields(cls):
            text = environ.get(PREFIX + field.name.upper())
            if text is not None:
                values[field.name] = _convert(field.name, text, type(field.default))
        return cls(**values)  # type: ignore[arg-type]


def _convert(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off", ""}:
            return False
        raise ValueError(f"{PREFIX}{name.upper()}: not a boolean: {text!r}")
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{PREFIX}{name.upper()}: not a number: {text!r}") from None
    if isinstance(Path(), kind):
        return Path(text)
    return text
