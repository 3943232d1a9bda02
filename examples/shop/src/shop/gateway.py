"""An asynchronous client for a payment provider."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from shop.errors import GatewayUnavailable, PaymentDeclined, ShopError
from shop.money import Money


@dataclass(frozen=True)
class Charge:
    """A successful payment."""

    id: str
    key: str
    amount: Money


class Gateway(Protocol):
    """The provider's side."""

    async def charge(self, key: str, card: str, amount: Money) -> Charge:
        """Charge a card once for each key."""


@dataclass
class SimulatedGateway:
    """A provider in memory: it takes ``latency`` seconds and fails the first ``outages`` calls.

    A second charge with a known key returns the first one. Cards that end in 0000 are declined.
    """

    latency: float = 0.0
    outages: int = 0
    calls: int = 0
    charges: dict[str, Charge] = field(default_factory=dict)

    async def charge(self, key: str, card: str, amount: Money) -> Charge:
        """Charge a card."""
        self.calls += 1
        call = self.calls
        await asyncio.sleep(self.latency)
        if call <= self.outages:
            raise GatewayUnavailable(f"call {call} failed")
        if card.endswith("0000"):
            raise PaymentDeclined(f"card {mask(card)} was declined")
        if key not in self.charges:
            self.charges[key] = Charge(f"ch_{len(self.charges) + 1}", key, amount)
        return self.charges[key]


def mask(card: str) -> str:
    """A card number that is safe to show.

    >>> mask("4111 1111 1111 1234")
    '**** 1234'
    """
    digits = card.replace(" ", "")
    return f"**** {digits[-4:]}"


def luhn_valid(card: str) -> bool:
    """Whether a card number's check digit is right.

    >>> luhn_valid("4111 1111 1111 1111"), luhn_valid("4111 1111 1111 1112")
    (True, False)
    """
    digits = [int(char) for char in card if char.isdigit()]
    doubled = (digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2])
    return len(digits) >= 12 and (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def backoff(
    base: float = 0.1, factor: float = 2.0, cap: float = 5.0, jitter: random.Random | None = None
) -> Iterator[float]:
    """Ever longer pauses between attempts.

    >>> list(itertools.islice(backoff(base=1.0, cap=5.0), 4))
    [1.0, 2.0, 4.0, 5.0]
    """
    for attempt in itertools.count():
        pause = min(cap, base * factor**attempt)
        yield pause * jitter.uniform(0.5, 1.0) if jitter else pause


class PaymentClient:
    """Charges cards, trying again when the provider is down or slow."""

    def __init__(
        self, gateway: Gateway, *, attempts: int = 3, timeout: float = 10.0, pause: float = 0.1
    ) -> None:
        self.gateway = gateway
        self.attempts = attempts
        self.timeout = timeout
        self.pause = pause

    async def pay(self, key: str, card: str, amount: Money) -> Charge:
        """Charge a card."""
        if amount.minor <= 0:
            raise ValueError("only positive amounts can be charged")
        if not luhn_valid(card):
            raise PaymentDeclined(f"{mask(card)} is not a card number")
        last: Exception | None = None
        for attempt, pause in zip(range(self.attempts), backoff(self.pause)):
            if attempt:
                await asyncio.sleep(pause)
            try:
                return await asyncio.wait_for(self.gateway.charge(key, card, amount), self.timeout)
            except asyncio.TimeoutError:
                last = GatewayUnavailable("timed out")
            except GatewayUnavailable as error:
                last = error
        raise GatewayUnavailable(f"gave up after {self.attempts} attempts: {last}") from last

    async def pay_all(
        self, payments: list[tuple[str, str, Money]], limit: int = 4
    ) -> list[Charge | ShopError]:
        """Charge several cards, at most ``limit`` at a time; failures are returned in place."""
        semaphore = asyncio.Semaphore(limit)

        async def one(key: str, card: str, amount: Money) -> Charge | ShopError:
            async with semaphore:
                try:
                    return await self.pay(key, card, amount)
                except ShopError as error:
                    return error

        return list(await asyncio.gather(*(one(*payment) for payment in payments)))
