from __future__ import annotations

import io
import json

import pytest

from shop.errors import ImportFailed
from shop.money import Money
from shop.transfer import dump_json, load_file, load_json, read_csv, save_file
from tests.helpers import make_products

HEADER = "sku,name,price,currency,category,weight_g,tags\n"


@pytest.fixture(params=["csv", "json"])
def extension(request):
    return request.param


def test_round_trip(catalog, tmp_path, extension):
    path = tmp_path / f"products.{extension}"
    save_file(catalog, path)
    assert load_file(path) == list(catalog)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3000, 6000])
def test_large_round_trip(tmp_path, extension, count, record_property):
    path = tmp_path / f"products.{extension}"
    products = make_products(count)
    save_file(products, path)
    record_property("bytes", path.stat().st_size)
    assert load_file(path) == products


def test_shared_file(products_csv, many_products):
    assert load_file(products_csv) == many_products[:500]


def test_unknown_extension(tmp_path):
    with pytest.raises(ValueError, match=r"format of products\.xml"):
        save_file([], tmp_path / "products.xml")


class TestCsv:
    def test_optional_columns(self):
        (tea,) = read_csv(io.StringIO("sku,name,price\nTEA-100,Green tea,4.5\n"))
        assert (tea.price, tea.category, tea.tags) == (Money(450), "general", ())

    def test_quoting(self):
        stream = io.StringIO(HEADER + 'BK-100,"Tea, and ""more""",1,,,,\n')
        assert [product.name for product in read_csv(stream)] == ['Tea, and "more"']

    @pytest.mark.parametrize(
        ("row", "problem"),
        [
            ("tea,Green tea,4.50,EUR,food,120,", "malformed SKU"),
            ("TEA-100,Green tea,cheap,EUR,food,120,", "not an amount"),
            ("TEA-100,Green tea,4.50,EUR,food,light,", "invalid literal"),
        ],
        ids=["sku", "price", "weight"],
    )
    def test_bad_rows(self, row, problem):
        stream = io.StringIO(HEADER + "BK-2001,Book,1,EUR,books,1,\n" + row + "\n")
        with pytest.raises(ImportFailed, match=problem) as caught:
            list(read_csv(stream))
        assert caught.value.line == 3

    def test_unknown_columns_are_reported(self):
        with pytest.warns(UserWarning, match="unknown columns: colour, size"):
            list(read_csv(io.StringIO("sku,name,price,size,colour\n")))

    def test_unknown_columns_are_ignored(self):
        # Not caught on purpose: the warning belongs in the summary.
        (tea,) = read_csv(io.StringIO("sku,name,price,colour\nTEA-100,Green tea,4.5,green\n"))
        assert tea.sku == "TEA-100"


class TestJson:
    def test_syntax_error(self):
        with pytest.raises(ImportFailed) as caught:
            load_json('[\n  {"sku": }\n]')
        assert caught.value.line == 2

    def test_missing_field(self, catalog):
        data = json.loads(dump_json(catalog))
        del data[2]["price"]
        with pytest.raises(ImportFailed, match="missing field: price"):
            load_json(json.dumps(data))
