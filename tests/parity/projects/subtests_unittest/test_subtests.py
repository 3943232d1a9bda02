import unittest


class Numbers(unittest.TestCase):
    def test_some_fail(self):
        for number in range(4):
            with self.subTest("number", number=number, half=number / 2):
                self.assertNotIn(number, (1, 3))

    def test_all_pass(self):
        for number in range(3):
            with self.subTest(number=number):
                self.assertLess(number, 3)

    def test_skips(self):
        for name in ("a", "b"):
            with self.subTest(name=name):
                print("in subtest", name)
                if name == "b":
                    self.skipTest("no b today")

    def test_subtest_and_test_fail(self):
        with self.subTest(word="text"):
            self.fail("inside")
        self.fail("outside")

    @unittest.expectedFailure
    def test_expected(self):
        with self.subTest(n=1):
            self.fail("as expected")
