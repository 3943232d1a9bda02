from __future__ import annotations

import sys
from pathlib import Path, PureWindowsPath

import pytest

from shop.config import Settings


def test_defaults():
    assert Settings.from_env() == Settings()


def test_environment(monkeypatch):
    monkeypatch.setenv("SHOP_DATABASE", "/var/lib/shop.db")
    monkeypatch.setenv("SHOP_REGION", "FR")
    monkeypatch.setenv("SHOP_LOW_WATER", "12")
    settings = Settings.from_env()
    assert settings.database == Path("/var/lib/shop.db")
    assert (settings.region, settings.low_water) == ("FR", 12)


@pytest.mark.parametrize(("text", "value"), [("YES", True), ("off", False)], ids=repr)
def test_booleans(monkeypatch, text, value):
    monkeypatch.setenv("SHOP_DEBUG", text)
    assert Settings.from_env().debug is value


def test_bad_values():
    with pytest.raises(ValueError, match="SHOP_DEBUG: not a boolean"):
        Settings.from_env({"SHOP_DEBUG": "maybe"})
    with pytest.raises(ValueError, match="SHOP_LOW_WATER: not a number"):
        Settings.from_env({"SHOP_LOW_WATER": "many"})


@pytest.mark.skipif(sys.platform != "win32", reason="paths with drive letters need Windows")
def test_windows_path():
    settings = Settings.from_env({"SHOP_DATABASE": r"C:\shop\shop.db"})
    assert PureWindowsPath(settings.database).drive == "C:"
