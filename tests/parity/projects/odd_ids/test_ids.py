import pytest

IDS = [
    "with space",
    "a::b",
    "[nested]",
    "a[b",
    "a]b",
    "slash/back\\slash",
    "new\nline",
    "tab\tand\rreturn",
    "nul\x00byte",
    "\x1b[31mred\x1b[0m",
    "é ü 日本 😀",
    "rtl \u202e override",
    "combining e\u0301",
    "percent %s %d {0} {name}",
    "<xml> & \"quotes\" 'single'",
    "]]>",
    "--option",
    "-",
    "a,b;c|d",
    ".",
    "test_ids.py::test_ids",
    "trailing space ",
    "@gw0",
    "#hash",
]


@pytest.mark.parametrize("text", IDS, ids=IDS)
def test_ids(text):
    assert "nested" not in text


@pytest.mark.parametrize("text", ["", " ", "\n", "é", "\ud800", "Über"])
def test_values(text):
    assert isinstance(text, str)


@pytest.mark.parametrize("n", [0, 1, 2], ids=lambda n: None if n == 1 else f"n={n}")
def test_function_ids(n):
    pass


@pytest.mark.parametrize("n", [1, 1, 1], ids=["same", "same", "same"])
def test_same_ids(n):
    pass


@pytest.mark.parametrize("n", [1, 2], ids=["a", "a0"])
@pytest.mark.parametrize("m", [1, 2], ids=["a", "a"])
def test_suffix_clash(n, m):
    pass


@pytest.mark.parametrize("n", [])
def test_empty_parameters(n):
    raise AssertionError


@pytest.mark.parametrize("n", [pytest.param(1, id="explicit ✓"), pytest.param(2, id="")])
def test_param_ids(n):
    pass


def test_ünïcode_name():
    pass


class TestÜnïcode:
    def test_method(self):
        assert False
