import pathlib


def test_datei(tmp_path):
    assert pathlib.Path(__file__).name == "test_名前.py"


def test_スキップ():
    import pytest

    pytest.skip("理由")
