"""A small shop: catalogue, cart, pricing, orders, storage and a command line."""

from __future__ import annotations

from shop.cart import Cart
from shop.catalog import Catalog, Product
from shop.money import Money
from shop.orders import Order, OrderStatus

__version__ = "1.4.0"

__all__ = ["Cart", "Catalog", "Money", "Order", "OrderStatus", "Product", "__version__"]
