"""The command line interface in processes of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import shop

pytestmark = [pytest.mark.cli, pytest.mark.slow]

SOURCE = Path(shop.__file__).resolve().parents[1]


@pytest.fixture
def shop_command(tmp_path):
    """Runs the shop in an empty folder; what it prints goes to the test's own output."""

    def run(*arguments: str) -> int:
        environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-B", "-m", "shop", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, check=False).returncode

    return run


def test_version(shop_command, capfd):
    assert shop_command("--version") == 0
    assert capfd.readouterr().out.strip() == f"shop {shop.__version__}"


def test_import_and_search(shop_command, products_csv, capfd):
    assert shop_command("import", str(products_csv)) == 0
    assert shop_command("search", "wooden kettle", "--limit", "3") == 0
    out, err = capfd.readouterr()
    assert out.startswith("imported 500 products")
    assert "Wooden kettle" in out
    assert err == ""


def test_errors_go_to_standard_error(shop_command, capfd):
    assert shop_command("quote", "DOM", "NO-000") == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.strip() == "shop: error: unknown product: NO-000"
