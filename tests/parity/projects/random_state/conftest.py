import random

import pytest

random.seed(4711)
AT_IMPORT = random.random()


@pytest.fixture(autouse=True)
def seeded(request):
    random.seed(request.node.nodeid)
