from __future__ import annotations

import asyncio
import itertools
import random
import unittest

import pytest

from shop.errors import GatewayUnavailable, PaymentDeclined
from shop.gateway import Charge, PaymentClient, SimulatedGateway, backoff
from shop.money import Money
from tests.helpers import CARD, DECLINED_CARD, LATENCY

PRICE = Money(4999)


async def test_pay(client, gateway):
    charge = await client.pay("order-1", CARD, PRICE)
    assert charge == Charge("ch_1", "order-1", PRICE)
    assert gateway.calls == 1


async def test_paying_twice_charges_once(client, gateway):
    first = await client.pay("order-1", CARD, PRICE)
    second = await client.pay("order-1", CARD, PRICE)
    assert first == second
    assert (gateway.calls, len(gateway.charges)) == (2, 1)


@pytest.mark.parametrize("gateway", [{"outages": 1}, {"outages": 2}], indirect=True, ids=str)
async def test_outages_are_ridden_out(client, gateway):
    await client.pay("order-1", CARD, PRICE)
    assert gateway.calls == gateway.outages + 1


@pytest.mark.parametrize("gateway", [{"outages": 3}], indirect=True, ids=str)
async def test_giving_up(client, gateway):
    with pytest.raises(GatewayUnavailable, match="gave up after 3 attempts: call 3 failed"):
        await client.pay("order-1", CARD, PRICE)
    assert not gateway.charges


async def test_declined_cards_are_not_tried_again(client, gateway):
    with pytest.raises(PaymentDeclined, match=r"card \*\*\*\* 0000 was declined"):
        await client.pay("order-1", DECLINED_CARD, PRICE)
    assert gateway.calls == 1


async def test_mistyped_cards_are_not_sent(client, gateway):
    with pytest.raises(PaymentDeclined, match="not a card number"):
        await client.pay("order-1", CARD.replace("4", "5"), PRICE)
    assert gateway.calls == 0


async def test_only_positive_amounts(client, gateway):
    with pytest.raises(ValueError, match="positive"):
        await client.pay("order-1", CARD, Money(0))
    assert gateway.calls == 0


@pytest.mark.parametrize("attempts", [1, 2, 3])
async def test_a_provider_that_hangs(attempts):
    gateway = SimulatedGateway(latency=3600)
    client = PaymentClient(gateway, attempts=attempts, timeout=0.05, pause=0.01)
    with pytest.raises(GatewayUnavailable, match="timed out"):
        await client.pay("order-1", CARD, PRICE)
    assert gateway.calls == attempts


class TestPayAll:
    @pytest.mark.parametrize("limit", [1, 2, 8])
    async def test_results_come_in_order(self, client, limit):
        payments = [(f"order-{n}", CARD, Money(100 + n)) for n in range(4)]
        charges = await client.pay_all(payments, limit)
        assert [charge.amount for charge in charges] == [Money(100 + n) for n in range(4)]

    async def test_failures_stay_in_place(self, client):
        payments = [("a", CARD, PRICE), ("b", "123", PRICE), ("c", CARD, PRICE)]
        first, second, third = await client.pay_all(payments)
        assert isinstance(second, PaymentDeclined)
        assert {first.key, third.key} == {"a", "c"}

    @pytest.mark.slow
    @pytest.mark.parametrize("gateway", [{"latency": 0.15}], indirect=True, ids=["far away"])
    @pytest.mark.parametrize("count", [8, 16])
    async def test_many(self, client, gateway, count):
        charges = await client.pay_all([(str(n), CARD, PRICE) for n in range(count)])
        assert len({charge.id for charge in charges}) == count == gateway.calls


class TestBackoff:
    def test_jitter(self):
        for plain, shaken in itertools.islice(zip(backoff(), backoff(jitter=random.Random(1))), 20):
            assert plain / 2 <= shaken <= plain


class GatewayTestCase(unittest.IsolatedAsyncioTestCase):
    """Tests from before the move to pytest."""

    async def asyncSetUp(self) -> None:
        self.gateway = SimulatedGateway(latency=LATENCY)
        await self.gateway.charge("warm-up", CARD, PRICE)

    async def test_at_the_same_time(self) -> None:
        charges = await asyncio.gather(
            *(self.gateway.charge(key, CARD, PRICE) for key in ("a", "b", "a"))
        )
        self.assertEqual(len({charge.id for charge in charges}), 2)

    async def test_calls_are_counted(self) -> None:
        self.assertEqual(self.gateway.calls, 1)
