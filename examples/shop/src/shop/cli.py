"""The command line interface."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shop import __version__
from shop.config import Settings
from shop.errors import ShopError
from shop.reports import table
from shop.search import Index
from shop.shipping import ZONES
from shop.storage import Database, ProductStore
from shop.transfer import load_file, save_file


def build_parser() -> argparse.ArgumentParser:
    """The argument parser."""
    parser = argparse.ArgumentParser(prog="shop", description="Look after a small shop.")
    parser.add_argument("--version", action="version", version=f"shop {__version__}")
    parser.add_argument("--db", type=Path, help="database file (default: $SHOP_DATABASE)")
    commands = parser.add_subparsers(dest="command", required=True)

    listing = commands.add_parser("list", help="list the products")
    listing.add_argument("--category")

    importing = commands.add_parser("import", help="import products from a CSV or JSON file")
    importing.add_argument("file", type=Path)

    exporting = commands.add_parser("export", help="export the products to a CSV or JSON file")
    exporting.add_argument("file", type=Path)

    searching = commands.add_parser("search", help="search the catalogue")
    searching.add_argument("query")
    searching.add_argument("--limit", type=int, default=10)

    quoting = commands.add_parser("quote", help="what a product costs with shipping")
    quoting.add_argument("zone", choices=sorted(ZONES))
    quoting.add_argument("sku")
    quoting.add_argument("--quantity", type=int, default=1)
    return parser


def run(args: argparse.Namespace, store: ProductStore) -> int:
    """Carry out one command and return the exit status."""
    if args.command == "import":
        products = load_file(args.file)
        store.save(*products)
        print(f"imported {len(products)} products")
    elif args.command == "export":
        catalog = store.catalog()
        save_file(catalog, args.file)
        print(f"exported {len(catalog)} products")
    elif args.command == "list":
        rows = [
            (product.sku, product.name, product.price)
            for product in store.catalog()
            if args.category in (None, product.category)
        ]
        print(table(rows, ("sku", "name", "price")))
    elif args.command == "search":
        index = Index(store.catalog())
        hits = index.search(args.query, args.limit)
        for hit in hits:
            print(f"{hit.product.sku}  {hit.product.name}")
        if not hits:
            guesses = [guess for word in args.query.split() for guess in index.suggest(word)]
            hint = f"; did you mean: {', '.join(guesses)}?" if guesses else ""
            print(f"nothing found{hint}", file=sys.stderr)
            return 1
    elif args.command == "quote":
        product = store.get(args.sku)
        shipping = ZONES[args.zone].price(product.weight_g * args.quantity)
        print((product.price * args.quantity + shipping).pretty())
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line interface and return the exit status."""
    args = build_parser().parse_args(argv)
    try:
        with Database(args.db or Settings.from_env().database) as database:
            return run(args, ProductStore(database))
    except (ShopError, ValueError, OSError) as error:
        print(f"shop: error: {error}", file=sys.stderr)
        return 2
