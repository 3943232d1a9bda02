async def test_coroutine():
    pass
