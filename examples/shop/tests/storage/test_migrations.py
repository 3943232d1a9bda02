from __future__ import annotations

import os
import sqlite3

import pytest

from shop.storage import MIGRATIONS, Database, ProductStore

pytestmark = pytest.mark.storage

LATEST = len(MIGRATIONS)


def tables(database: Database) -> set[str]:
    rows = database.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {name for (name,) in rows}


@pytest.mark.parametrize("start", [0, 1, 3])
def test_every_old_version_can_be_brought_up_to_date(tmp_path, start):
    path = tmp_path / "old.db"
    with Database(path, migrate_to=start) as old:
        assert old.version == start
    with Database(path) as database:
        assert database.version == LATEST
        assert tables(database) == {"products", "orders", "order_lines"}


def test_data_survives(tmp_path):
    path = tmp_path / "old.db"
    with Database(path, migrate_to=1) as old:
        row = ("TEA-100", "Green tea", 450, "EUR", "food", 120)
        old.connection.execute("INSERT INTO products VALUES (?, ?, ?, ?, ?, ?)", row)
    with Database(path) as database:
        assert ProductStore(database).get("TEA-100").tags == ()


def test_a_failing_migration_is_rolled_back(tmp_path, monkeypatch):
    monkeypatch.setattr("shop.storage.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE oops (broken"))
    with Database(tmp_path / "shop.db", migrate_to=LATEST) as database:
        with pytest.raises(sqlite3.OperationalError):
            database.migrate(LATEST + 1)
        assert database.version == LATEST


def test_transactions_roll_back(database):
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        connection.execute("DELETE FROM products")
        connection.execute("CREATE TABLE extra (id)")
        raise ZeroDivisionError
    assert "extra" not in tables(database)


def test_a_closed_database_is_closed(tmp_path):
    database = Database(tmp_path / "shop.db")
    database.close()
    database.close()
    with pytest.raises(sqlite3.ProgrammingError):
        database.version  # noqa: B018


def test_server_database():
    address = os.environ.get("SHOP_TEST_SERVER")
    if address is None:
        pytest.skip("SHOP_TEST_SERVER is not set")
    pytest.fail("there is no server support yet")
