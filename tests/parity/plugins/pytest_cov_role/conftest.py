import os

import pytest
import rates

DATABASE = f"rates-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
rates.connect(DATABASE)


@pytest.fixture(scope="session")
def table():
    return rates.table()
