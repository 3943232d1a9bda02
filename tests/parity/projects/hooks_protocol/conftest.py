from _pytest.runner import runtestprotocol


def pytest_runtest_protocol(item, nextitem):
    if "twice" in item.name:
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for attempt in (1, 2):
            item.attempt = attempt
            for report in runtestprotocol(item, nextitem=nextitem, log=False):
                report.attempt = attempt
                item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
    if "left_out" in item.name:
        return True
    return None


def pytest_pyfunc_call(pyfuncitem):
    if "replaced" in pyfuncitem.name:
        assert pyfuncitem.obj() == "result"
        return True
    return None


def pytest_runtest_call(item):
    print("call hook for", item.name)
