"""Tests from before the move to pytest."""

from __future__ import annotations

import time
import unittest

from shop.inventory import Inventory, Reservation


class InventoryTestCase(unittest.TestCase):
    levels: dict[str, int]

    @classmethod
    def setUpClass(cls) -> None:
        time.sleep(0.2)  # the old warehouse took its time to answer
        cls.levels = {f"ITEM-{number}": number for number in range(1, 101)}

    @classmethod
    def tearDownClass(cls) -> None:
        del cls.levels

    def setUp(self) -> None:
        self.inventory = Inventory(self.levels)
        self.held: list[Reservation] = []
        self.addCleanup(self.release_all)

    def release_all(self) -> None:
        for reservation in self.held:
            self.assertTrue(self.inventory.release(reservation))

    def test_every_level(self) -> None:
        for sku, level in self.levels.items():
            self.assertEqual(self.inventory.available(sku), level)

    def test_reserve_half_of_everything(self) -> None:
        half = {sku: (level + 1) // 2 for sku, level in self.levels.items()}
        self.held.append(self.inventory.reserve(half))
        for sku in ("ITEM-1", "ITEM-50", "ITEM-99"):
            with self.subTest(sku=sku):
                self.assertEqual(self.inventory.available(sku), self.levels[sku] // 2)

    def test_levels_are_copied(self) -> None:
        self.inventory.receive("ITEM-1", 5)
        self.assertEqual(self.levels["ITEM-1"], 1)

    @unittest.skipUnless(hasattr(Inventory, "transfer"), "there is one warehouse only")
    def test_transfer(self) -> None:
        self.fail("never run")
