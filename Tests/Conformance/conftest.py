import pathlib
import shutil
import tempfile

import pytest

from programs import House, Store

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(request):
    """A short path of its own (Unix sockets allow 107 bytes), kept only when the test failed."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="lode-"))
    yield path
    if getattr(request.node, "failed", False):
        print(f"kept {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
    return report


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One store for the tests of a module; each test takes a bucket of its own."""
    store = Store(tmp_path_factory.mktemp("store")).start()
    yield store
    assert store.is_running(), f"the store died:\n{store.log()[-4000:]}"
    assert store.stop() == 0


@pytest.fixture
def bucket(store, request):
    name = "b-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[:50].strip("-")
    store.client().create_bucket(Bucket=name)
    return name


@pytest.fixture
def house(folder):
    house = House(folder)
    yield house
    house.stop()
