import socket
import subprocess
import threading
import time

KEPT = []


def test_file(tmp_path):
    file = (tmp_path / "open.txt").open("w")
    file.write("never flushed by the test")
    KEPT.append(file)


def test_socket():
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    KEPT.append(server)


def test_socket_pair():
    KEPT.extend(socket.socketpair())


def test_daemon_thread():
    thread = threading.Thread(target=time.sleep, args=(100,), daemon=True, name="sleeps")
    thread.start()
    KEPT.append(thread)


def test_short_thread():
    threading.Thread(target=time.sleep, args=(0.3,), name="naps").start()


def test_timer():
    threading.Timer(0.1, lambda: None).start()


def test_child_that_ends():
    KEPT.append(subprocess.Popen(["/bin/sleep", "0.2"]))


def test_zombie():
    child = subprocess.Popen(["/bin/true"])
    time.sleep(0.05)
    KEPT.append(child)


def test_local_thread_state():
    local = threading.local()
    local.value = 1
    assert local.value == 1


def test_lock_left_locked():
    lock = threading.Lock()
    lock.acquire()
    KEPT.append(lock)
