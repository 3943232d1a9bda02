"""Exceptions raised by the shop."""

from __future__ import annotations


class ShopError(Exception):
    """Base class of every error the shop raises on purpose."""


class CurrencyMismatch(ShopError, ValueError):
    """Two amounts in different currencies were combined."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot combine {left} with {right}")
        self.left = left
        self.right = right


class UnknownProduct(ShopError, LookupError):
    """No product has this SKU."""

    def __init__(self, sku: str) -> None:
        super().__init__(f"unknown product: {sku}")
        self.sku = sku


class OutOfStock(ShopError):
    """Fewer units are available than were asked for."""

    def __init__(self, sku: str, wanted: int, available: int) -> None:
        super().__init__(f"{sku}: wanted {wanted}, only {available} available")
        self.sku = sku
        self.wanted = wanted
        self.available = available


class InvalidTransition(ShopError):
    """An order cannot move from its state to the one asked for."""


class InvalidCoupon(ShopError):
    """A coupon is unknown, expired or used up."""


class AccountLocked(ShopError):
    """Too many failed log-ins."""


class PaymentDeclined(ShopError):
    """The payment provider refused the charge; retrying will not help."""


class GatewayUnavailable(ShopError):
    """The payment provider could not be reached; retrying may help."""


class ImportFailed(ShopError):
    """A file could not be imported."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason
