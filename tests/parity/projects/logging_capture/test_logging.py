import logging

import pytest

logger = logging.getLogger("suite")


@pytest.fixture
def logs():
    logger.info("setup")
    yield
    logger.warning("teardown")


def test_passes(logs):
    logger.info("information")
    logger.warning("warning")


def test_fails(logs):
    logger.debug("detail %s", 1)
    logger.info("information %d", 2)
    logger.error("error %r", "three")
    logging.getLogger("noisy").critical("noise")
    assert False


def test_multiline():
    logger.warning("first\nsecond\nthird")
    assert False


def test_exception():
    try:
        1 / 0
    except ZeroDivisionError:
        logger.exception("caught")
    assert False


def test_broken_arguments():
    logger.warning("needs %d and %s", "one")


def test_caplog(caplog):
    caplog.set_level("DEBUG")
    logger.debug("seen")
    assert caplog.record_tuples == [("suite", logging.DEBUG, "seen")]


def test_caplog_levels_are_restored():
    assert logging.getLogger().level == logging.WARNING or logging.getLogger().level in (10, 20)


def test_caplog_phases(caplog, logs):
    caplog.clear()
    with caplog.at_level("INFO"):
        logger.info("call")
    assert [record.message for record in caplog.get_records("call")] == ["call"]
    assert caplog.get_records("setup") is not None
