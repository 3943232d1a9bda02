import unittest

STATE = []


def setUpModule():
    STATE.append("module")


def tearDownModule():
    assert STATE.pop() == "module"


class Plain(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        assert STATE == ["module"]
        cls.addClassCleanup(STATE.remove, "class")
        STATE.append("class")

    def setUp(self):
        STATE.append("test")
        self.addCleanup(STATE.remove, "test")

    def test_state(self):
        """A docstring."""
        assert STATE == ["module", "class", "test"]

    def test_state_again(self):
        self.assertEqual(STATE, ["module", "class", "test"])

    def test_long_diff(self):
        self.maxDiff = None
        self.assertEqual(list(range(30)), list(range(1, 31)))

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.fail("expected")

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass

    def test_raises_context(self):
        with self.assertRaisesRegex(ValueError, "text"):
            raise ValueError("some text")

    def test_logs(self):
        with self.assertLogs("a", "INFO") as logs:
            import logging

            logging.getLogger("a").info("hello")
        self.assertEqual(logs.output, ["INFO:a:hello"])

    def test_prints_and_fails(self):
        print("printed by unittest")
        self.assertTrue(False, "with a message")


class CleanupFails(unittest.TestCase):
    def test_cleanup(self):
        self.addCleanup(self.fail, "in cleanup")

    def tearDown(self):
        STATE.append("x")
        STATE.pop()


class TearDownFails(unittest.TestCase):
    def tearDown(self):
        raise RuntimeError("tearDown")

    def test_passes(self):
        pass

    def test_fails(self):
        self.fail("test")


class SetUpClassFails(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("setUpClass")

    def test_one(self):
        pass


class Coroutines(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.value = 1
        self.addAsyncCleanup(self.clean)

    async def clean(self):
        assert self.value == 2

    async def test_value(self):
        import asyncio

        await asyncio.sleep(0)
        self.value += 1

    async def test_cleanup_fails(self):
        pass

    async def test_fails(self):
        self.value = 2
        self.assertEqual(self.value, 3)


class Inherited(Plain):
    def test_only_here(self):
        assert STATE[0] == "module"
