"""Customer accounts: passwords, log-in and signed tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shop.errors import AccountLocked

DEFAULT_ITERATIONS = 120_000


def hash_password(
    password: str, *, iterations: int = DEFAULT_ITERATIONS, salt: bytes | None = None
) -> str:
    """Hash a password for storage.

    >>> hash_password("secret", iterations=1000, salt=b"salt").split("$")[:2]
    ['pbkdf2', '1000']
    """
    if not password:
        raise ValueError("a password cannot be empty")
    salt = os.urandom(16) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return f"pbkdf2${iterations}${salt.hex()}${digest.hex()}"


def verify_password(password: str, stored: str) -> bool:
    """Whether a password matches its stored hash."""
    scheme, iterations, salt, digest = stored.split("$")
    if scheme != "pbkdf2":
        raise ValueError(f"unknown password scheme: {scheme}")
    actual = hashlib.pbkdf2_hmac("sha256", password.encode(), bytes.fromhex(salt), int(iterations))
    return hmac.compare_digest(actual.hex(), digest)


def password_problems(password: str) -> list[str]:
    """What is wrong with a password; nothing if it is good enough.

    >>> password_problems("short")
    ['too short', 'no digit', 'no upper-case letter']
    >>> password_problems("Long enough 4 me")
    []
    """
    checks = [
        (len(password) >= 10, "too short"),
        (any(char.isdigit() for char in password), "no digit"),
        (any(char.isupper() for char in password), "no upper-case letter"),
        (any(char.islower() for char in password), "no lower-case letter"),
    ]
    return [problem for passed, problem in checks if not passed]


@dataclass
class Account:
    """A customer's account."""

    email: str
    password_hash: str
    failures: list[float] = field(default_factory=list)


class Accounts:
    """Accounts by e-mail address; too many failed log-ins lock an account for a while."""

    def __init__(
        self,
        *,
        iterations: int = DEFAULT_ITERATIONS,
        max_failures: int = 3,
        lock_seconds: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accounts: dict[str, Account] = {}
        self._iterations = iterations
        self._max_failures = max_failures
        self._lock_seconds = lock_seconds
        self._clock = clock

    def register(self, email: str, password: str) -> Account:
        """Open an account."""
        key = email.strip().lower()
        if key.count("@") != 1 or key.startswith("@") or key.endswith("@"):
            raise ValueError(f"not an e-mail address: {email!r}")
        if key in self._accounts:
            raise ValueError(f"{key} is already registered")
        account = Account(key, hash_password(password, iterations=self._iterations))
        self._accounts[key] = account
        return account

    def log_in(self, email: str, password: str) -> bool:
        """Check a password, counting failures."""
        account = self._accounts.get(email.strip().lower())
        if account is None:
            return False
        now = self._clock()
        account.failures = [at for at in account.failures if now - at < self._lock_seconds]
        if len(account.failures) >= self._max_failures:
            raise AccountLocked(account.email)
        if verify_password(password, account.password_hash):
            account.failures.clear()
            return True
        account.failures.append(now)
        return False


def sign_token(payload: str, secret: bytes) -> str:
    """A token that proves its payload came from us."""
    body = base64.urlsafe_b64encode(payload.encode()).decode().rstrip("=")
    signature = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()[:32]
    return f"{body}.{signature}"


def read_token(token: str, secret: bytes) -> str | None:
    """The payload of a token, or nothing if it was tampered with.

    >>> read_token(sign_token("customer=7", b"key"), b"key")
    'customer=7'
    >>> read_token(sign_token("customer=7", b"key"), b"other key") is None
    True
    """
    body, _, signature = token.partition(".")
    expected = hmac.new(secret, body.encode(), hashlib.sha256).hexdigest()[:32]
    if not hmac.compare_digest(signature, expected):
        return None
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
