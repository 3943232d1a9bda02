from __future__ import annotations

import pytest

from shop.accounts import (
    Accounts,
    hash_password,
    verify_password,
)
from shop.errors import AccountLocked

PASSWORD = "Correct horse 1"


@pytest.fixture(scope="module")
def stored():
    return hash_password(PASSWORD)


@pytest.fixture
def accounts(clock):
    accounts = Accounts(iterations=40_000, lock_seconds=60, clock=clock)
    accounts.register("ann@example.com", PASSWORD)
    return accounts


def test_right_password(stored):
    assert verify_password(PASSWORD, stored)


@pytest.mark.parametrize("guess", ["correct horse 1", PASSWORD + " "])
def test_wrong_password(stored, guess):
    assert not verify_password(guess, stored)


def test_hashes_are_salted(stored):
    assert hash_password(PASSWORD) != stored


@pytest.mark.slow
@pytest.mark.parametrize("iterations", [300_000, 600_000])
def test_strong_hash(iterations):
    stored = hash_password(PASSWORD, iterations=iterations)
    assert verify_password(PASSWORD, stored)


class TestLogIn:
    @pytest.mark.parametrize("email", ["ann@example.com", " Ann@Example.com "])
    def test_success(self, accounts, email):
        assert accounts.log_in(email, PASSWORD)

    def test_lock(self, accounts, clock):
        for _ in range(3):
            assert not accounts.log_in("ann@example.com", "wrong")
        with pytest.raises(AccountLocked):
            accounts.log_in("ann@example.com", PASSWORD)
        clock.advance(60)
        assert accounts.log_in("ann@example.com", PASSWORD)

    def test_success_forgives_failures(self, accounts):
        for _ in range(2):
            accounts.log_in("ann@example.com", "wrong")
            accounts.log_in("ann@example.com", "wrong")
            assert accounts.log_in("ann@example.com", PASSWORD)

    def test_addresses_are_unique(self, accounts):
        with pytest.raises(ValueError, match="already registered"):
            accounts.register("ANN@example.com", PASSWORD)

    @pytest.mark.parametrize("email", ["ann", "a@b@c"])
    def test_bad_addresses(self, accounts, email):
        with pytest.raises(ValueError, match="not an e-mail address"):
            accounts.register(email, PASSWORD)
