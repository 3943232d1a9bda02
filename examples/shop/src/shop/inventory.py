"""Stock levels and reservations."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shop.errors import OutOfStock

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reservation:
    """Units held for a customer until a deadline."""

    id: int
    items: tuple[tuple[str, int], ...]
    expires_at: float


class Inventory:
    """Units on hand, and units held by reservations.

    >>> inventory = Inventory({"GC-1001": 5})
    >>> held = inventory.reserve({"GC-1001": 2})
    >>> inventory.available("GC-1001")
    3
    >>> inventory.commit(held)
    >>> inventory.on_hand("GC-1001")
    3
    """

    def __init__(
        self,
        levels: Mapping[str, int] | None = None,
        *,
        hold_seconds: float = 900.0,
        low_water: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._levels = dict(levels or {})
        self._held: dict[int, Reservation] = {}
        self._ids = itertools.count(1)
        self._hold_seconds = hold_seconds
        self._low_water = low_water
        self._clock = clock

    def on_hand(self, sku: str) -> int:
        """Units in the warehouse, held or not."""
        return self._levels.get(sku, 0)

    def available(self, sku: str) -> int:
        """Units that can still be reserved."""
        self._drop_expired()
        held = sum(
            quantity
            for reservation in self._held.values()
            for item, quantity in reservation.items
            if item == sku
        )
        return self.on_hand(sku) - held

    def receive(self, sku: str, quantity: int) -> int:
        """Add a delivery and return the new level."""
        if quantity <= 0:
            raise ValueError("a delivery has at least one unit")
        self._levels[sku] = self.on_hand(sku) + quantity
        logger.info("received %d of %s", quantity, sku)
        return self._levels[sku]

    def reserve(self, items: Mapping[str, int]) -> Reservation:
        """Hold all of the items, or none of them."""
        for sku, quantity in items.items():
            if quantity <= 0:
                raise ValueError("quantities are positive")
            available = self.available(sku)
            if quantity > available:
                raise OutOfStock(sku, quantity, available)
        reservation = Reservation(
            next(self._ids), tuple(items.items()), self._clock() + self._hold_seconds
        )
        self._held[reservation.id] = reservation
        return reservation

    def release(self, reservation: Reservation) -> bool:
        """Give the units back; false if the reservation was gone already."""
        return self._held.pop(reservation.id, None) is not None

    def commit(self, reservation: Reservation) -> None:
        """Take the reserved units out of the warehouse."""
        self._drop_expired()
        if reservation.id not in self._held:
            raise LookupError(f"reservation {reservation.id} has expired or was released")
        del self._held[reservation.id]
        for sku, quantity in reservation.items:
            self._levels[sku] -= quantity
            if self._levels[sku] <= self._low_water:
                logger.warning("low stock: %s (%d left)", sku, self._levels[sku])

    def _drop_expired(self) -> None:
        now = self._clock()
        for reservation in list(self._held.values()):
            if reservation.expires_at <= now:
                logger.debug("reservation %d expired", reservation.id)
                del self._held[reservation.id]
