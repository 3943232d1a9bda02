import gc
import threading


class Breaks:
    def __del__(self):
        raise ValueError("in __del__")


def test_before():
    pass


def test_unraisable():
    thing = Breaks()
    del thing
    gc.collect()


def fail_in_thread():
    raise RuntimeError("in a thread")


def test_thread():
    thread = threading.Thread(target=fail_in_thread, name="named-thread")
    thread.start()
    thread.join()


def test_after():
    gc.collect()
