import pytest


@pytest.fixture(scope="module", params=["asyncio", pytest.param("asyncio", id="again")])
def anyio_backend(request):
    return request.param
