"""Import and export of products as CSV and JSON."""

from __future__ import annotations

import csv
import json
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from shop.catalog import Product
from shop.errors import ImportFailed
from shop.money import Money

COLUMNS = ("sku", "name", "price", "currency", "category", "weight_g", "tags")
REQUIRED = ("sku", "name", "price")


def product_to_dict(product: Product) -> dict[str, Any]:
    """A product as plain data.

    >>> product_to_dict(Product("TEA-100", "Green tea", Money(450)))["price"]
    '4.50'
    """
    return {
        "sku": product.sku,
        "name": product.name,
        "price": str(product.price.amount),
        "currency": product.price.currency,
        "category": product.category,
        "weight_g": product.weight_g,
        "tags": list(product.tags),
    }


def product_from_dict(data: dict[str, Any]) -> Product:
    """A product from plain data; optional fields may be missing or empty."""
    tags = data.get("tags") or []
    if isinstance(tags, str):
        tags = [tag for tag in tags.split("|") if tag]
    return Product(
        sku=data["sku"].strip(),
        name=data["name"].strip(),
        price=Money.of(data["price"], data.get("currency") or "EUR"),
        category=data.get("category") or "general",
        weight_g=int(data.get("weight_g") or 0),
        tags=tuple(tags),
    )


def write_csv(products: Iterable[Product], stream: TextIO) -> int:
    """Write products and return how many there were."""
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    for product in products:
        writer.writerow({**product_to_dict(product), "tags": "|".join(product.tags)})
        count += 1
    return count


def read_csv(stream: TextIO) -> Iterator[Product]:
    """Read products; unknown columns are ignored with a warning."""
    reader = csv.DictReader(stream)
    names = reader.fieldnames or []
    missing = [column for column in REQUIRED if column not in names]
    if missing:
        raise ImportFailed(1, f"missing columns: {', '.join(missing)}")
    unknown = sorted(set(names) - set(COLUMNS))
    if unknown:
        warnings.warn(f"unknown columns: {', '.join(unknown)}", UserWarning, stacklevel=2)
    for row in reader:
        try:
            yield product_from_dict(row)
        except (ValueError, AttributeError) as error:
            raise ImportFailed(reader.line_num, str(error)) from error


def dump_json(products: Iterable[Product]) -> str:
    """Products as a JSON document."""
    return json.dumps([product_to_dict(product) for product in products], indent=2)


def load_json(text: str) -> list[Product]:
    """Products from a JSON document."""
    try:
        return [product_from_dict(item) for item in json.loads(text)]
    except json.JSONDecodeError as error:
        raise ImportFailed(error.lineno, error.msg) from error
    except KeyError as error:
        raise ImportFailed(0, f"missing field: {error.args[0]}") from error


def load_file(path: Path) -> list[Product]:
    """Products from a file, by its extension."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as stream:
            return list(read_csv(stream))
    if path.suffix == ".json":
        return load_json(path.read_text(encoding="utf-8"))
    raise ValueError(f"cannot tell the format of {path.name}")


def save_file(products: Iterable[Product], path: Path) -> None:
    """Write a file that :func:`load_file` can read."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            write_csv(products, stream)
    elif path.suffix == ".json":
        path.write_text(dump_json(products) + "\n", encoding="utf-8")
    else:
        raise ValueError(f"cannot tell the format of {path.name}")
