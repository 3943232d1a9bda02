"""SQLite storage for products and orders."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shop.cart import Line
from shop.catalog import Catalog, Product
from shop.errors import UnknownProduct
from shop.money import Money
from shop.orders import Order, OrderStatus

MIGRATIONS = (
    """
    CREATE TABLE products (
        sku TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, currency TEXT NOT NULL,
        category TEXT NOT NULL, weight_g INTEGER NOT NULL
    )
    """,
    "ALTER TABLE products ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
    """
    CREATE TABLE orders (
        id TEXT PRIMARY KEY, customer TEXT NOT NULL, placed_at TEXT NOT NULL, status TEXT NOT NULL,
        discount INTEGER NOT NULL, shipping INTEGER NOT NULL, tax INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE order_lines (
        order_id TEXT NOT NULL REFERENCES orders(id) ON DELETE CASCADE, position INTEGER NOT NULL,
        sku TEXT NOT NULL, quantity INTEGER NOT NULL CHECK (quantity > 0),
        PRIMARY KEY (order_id, position)
    )
    """,
    "CREATE INDEX orders_by_customer ON orders (customer, placed_at)",
)


class Database:
    """A connection to the shop's database, brought up to date when it is opened."""

    def __init__(self, path: str | Path = ":memory:", *, migrate_to: int | None = None) -> None:
        self.path = str(path)
        self.connection = sqlite3.connect(self.path, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.migrate(len(MIGRATIONS) if migrate_to is None else migrate_to)

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; closing twice does no harm."""
        self.connection.close()

    @property
    def version(self) -> int:
        """How many migrations the database has seen."""
        return self.connection.execute("PRAGMA user_version").fetchone()[0]

    def migrate(self, target: int) -> int:
        """Apply the migrations up to ``target`` and return how many there were to apply."""
        start = self.version
        for number in range(start, target):
            with self.transaction():
                self.connection.execute(MIGRATIONS[number])
                self.connection.execute(f"PRAGMA user_version = {number + 1}")
        return max(0, target - start)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Commit what the block does, or nothing if it raises."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")


class ProductStore:
    """Products in the database."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def save(self, *products: Product) -> None:
        """Insert or update products, all or none of them."""
        rows = [
            (
                product.sku,
                product.name,
                product.price.minor,
                product.price.currency,
                product.category,
                product.weight_g,
                json.dumps(product.tags),
            )
            for product in products
        ]
        with self.database.transaction() as connection:
            connection.executemany("REPLACE INTO products VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def get(self, sku: str) -> Product:
        """One product."""
        row = self._query("SELECT * FROM products WHERE sku = ?", sku).fetchone()
        if row is None:
            raise UnknownProduct(sku)
        return self._product(row)

    def delete(self, sku: str) -> bool:
        """Delete one product; false if there was none."""
        return self._query("DELETE FROM products WHERE sku = ?", sku).rowcount > 0

    def count(self) -> int:
        """How many products there are."""
        return self._query("SELECT count(*) FROM products").fetchone()[0]

    def catalog(self) -> Catalog:
        """All products, by SKU."""
        rows = self._query("SELECT * FROM products ORDER BY sku")
        return Catalog(self._product(row) for row in rows)

    def _query(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        return self.database.connection.execute(sql, parameters)

    @staticmethod
    def _product(row: sqlite3.Row) -> Product:
        return Product(
            row["sku"],
            row["name"],
            Money(row["price"], row["currency"]),
            row["category"],
            row["weight_g"],
            tuple(json.loads(row["tags"])),
        )


class OrderStore:
    """Orders in the database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.products = ProductStore(database)

    def save(self, order: Order) -> None:
        """Insert or update an order with its lines."""
        with self.database.transaction() as connection:
            connection.execute("DELETE FROM orders WHERE id = ?", (order.id,))
            connection.execute(
                "INSERT INTO orders VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    order.id,
                    order.customer,
                    order.placed_at.isoformat(),
                    order.status.value,
                    order.discount.minor,
                    order.shipping.minor,
                    order.tax.minor,
                ),
            )
            connection.executemany(
                "INSERT INTO order_lines VALUES (?, ?, ?, ?)",
                [
                    (order.id, position, line.product.sku, line.quantity)
                    for position, line in enumerate(order.lines)
                ],
            )

    def get(self, order_id: str) -> Order:
        """One order."""
        rows = self._select("WHERE id = ?", order_id)
        if not rows:
            raise LookupError(f"unknown order: {order_id}")
        return rows[0]

    def for_customer(self, customer: str) -> list[Order]:
        """A customer's orders, oldest first."""
        return self._select("WHERE customer = ? ORDER BY placed_at, id", customer)

    def with_status(self, statuses: Iterable[OrderStatus]) -> list[Order]:
        """The orders in some states, oldest first."""
        values = [status.value for status in statuses]
        marks = ", ".join("?" * len(values))
        return self._select(f"WHERE status IN ({marks}) ORDER BY placed_at, id", *values)

    def _select(self, clause: str, *parameters: object) -> list[Order]:
        rows = self.database.connection.execute(f"SELECT * FROM orders {clause}", parameters)
        return [self._order(row) for row in rows.fetchall()]

    def _order(self, row: sqlite3.Row) -> Order:
        lines = self.database.connection.execute(
            "SELECT sku, quantity FROM order_lines WHERE order_id = ? ORDER BY position",
            (row["id"],),
        )
        return Order(
            id=row["id"],
            customer=row["customer"],
            lines=[Line(self.products.get(sku), quantity) for sku, quantity in lines],
            placed_at=datetime.fromisoformat(row["placed_at"]),
            discount=Money(row["discount"]),
            shipping=Money(row["shipping"]),
            tax=Money(row["tax"]),
            status=OrderStatus(row["status"]),
        )
