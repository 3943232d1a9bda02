import gc
import sys
import weakref

import things


def test_collect():
    gc.collect()
    before = things.Thing.living
    things.Thing()
    assert things.Thing.living == before + 1
    gc.collect()
    assert things.Thing.living == before


def test_weak_reference():
    thing = things.Thing()
    reference = weakref.ref(thing)
    thing.me = None
    del thing
    assert reference() is None


def test_enabled():
    assert gc.isenabled()


def test_threshold():
    assert gc.get_threshold()[0] in (700, 2000)
    assert gc.get_debug() == 0


def test_objects_of_the_project_are_seen():
    assert any(isinstance(found, things.Thing) for found in gc.get_objects())


def test_referrers():
    assert any(referrer is things.__dict__ for referrer in gc.get_referrers(things.AT_IMPORT))


def test_nothing_frozen():
    assert gc.get_freeze_count() == 0


def test_disabled_for_a_while():
    gc.disable()
    gc.enable()


def test_local_references_are_dropped():
    assert sys.getrefcount(things.AT_IMPORT) < 10


def test_garbage_list():
    assert gc.garbage == []
