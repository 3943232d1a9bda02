from __future__ import annotations

import pytest

import shop
from shop.cli import main
from shop.transfer import load_file, save_file

pytestmark = pytest.mark.cli


@pytest.fixture
def database(tmp_path, monkeypatch, catalog, capsys):
    """A folder to work in, with a database that has products in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHOP_DATABASE", "test.db")
    save_file(catalog, tmp_path / "products.csv")
    assert main(["import", "products.csv"]) == 0
    capsys.readouterr()
    return tmp_path / "test.db"


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"shop {shop.__version__}\n"


@pytest.mark.parametrize("argv", [["dance"], ["quote", "MOON", "TEA-100"]], ids=" ".join)
def test_usage_errors(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage: shop" in capsys.readouterr().err


@pytest.mark.usefixtures("database")
class TestCommands:
    def test_list(self, capsys):
        assert main(["list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["sku", "name", "price"]
        assert len(lines) == 6

    @pytest.mark.parametrize(("query", "first"), [("tea", "BK-2001"), ("garden chairs", "GC-1001")])
    def test_search(self, capsys, query, first):
        assert main(["search", query]) == 0
        assert capsys.readouterr().out.startswith(first)

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("gardn", "nothing found; did you mean: garden?\n"),
            ("xylophone", "nothing found\n"),
        ],
    )
    def test_search_without_hits(self, capsys, query, message):
        assert main(["search", query]) == 1
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", message)

    def test_quote(self, capsys):
        assert main(["quote", "EU-1", "GC-1001", "--quantity", "2"]) == 0
        assert capsys.readouterr().out.strip() == "€119.88"

    @pytest.mark.parametrize("extension", ["csv", "json"])
    def test_export(self, capsys, catalog, tmp_path, extension):
        assert main(["export", f"out.{extension}"]) == 0
        assert capsys.readouterr().out == "exported 5 products\n"
        exported = load_file(tmp_path / f"out.{extension}")
        assert sorted(p.sku for p in exported) == sorted(p.sku for p in catalog)

    @pytest.mark.parametrize(
        ("argv", "message"),
        [
            (["quote", "DOM", "NO-000"], "unknown product: NO-000"),
            (["quote", "WORLD", "GT-1002", "--quantity", "2"], "too heavy"),
            (["import", "missing.csv"], "missing.csv"),
            (["export", "out.pdf"], "cannot tell the format"),
        ],
        ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else "",
    )
    def test_errors(self, capsys, argv, message):
        assert main(argv) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("shop: error: ")
        assert message in captured.err

    def test_import_updates(self, capsys, tmp_path):
        (tmp_path / "more.csv").write_text("sku,name,price\nTEA-100,Black tea,3\n")
        assert main(["import", "more.csv"]) == 0
        main(["search", "tea"])
        assert "TEA-100  Black tea" in capsys.readouterr().out


def test_database_option_wins(database, tmp_path, capsys):
    other = tmp_path / "other.db"
    assert main(["--db", str(other), "list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert other.exists()
