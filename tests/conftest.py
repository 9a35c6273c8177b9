"""What pytest is told before the tests, and what several of them share: real data, a tiny model of each pipeline."""

import os

import pytest
from helpers import real_data, run
from hypothesis import HealthCheck, settings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the tests run side by side
os.environ.setdefault("SCIPY_ARRAY_API", "1")  # lets scikit-learn's estimator checks run all they have

FIXTURES = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
settings.register_profile("short", max_examples=100, deadline=None, suppress_health_check=FIXTURES)
settings.register_profile("long", max_examples=5000, deadline=None, suppress_health_check=FIXTURES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))  # the long one: `make fuzz`

MARK_OF_FIXTURE = {"browser": "browser", "client": "dask", "bikes_zip": "real_data", "reviews_archive": "real_data"}
LAST_SKIPPED = "two-layer/last-skipped"  # where pytest's cache has them


def pytest_addoption(parser):
    parser.addoption("--last-skipped", action="store_true", help="run only the tests that the last run skipped")


def pytest_configure(config):
    one_of_several = hasattr(config, "workerinput")  # the process that started it hears of all tests
    if hasattr(config, "cache") and not one_of_several:
        config.pluginmanager.register(SkippedTests(config.cache))


class SkippedTests:
    """Leaves the names of the tests that were skipped, and of modules skipped as a whole, in pytest's cache."""

    def __init__(self, cache):
        self.cache = cache
        self.names = set()

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.names.add(report.nodeid)

    def pytest_collectreport(self, report):
        if report.skipped:
            self.names.add(report.nodeid)

    def pytest_sessionfinish(self):
        self.cache.set(LAST_SKIPPED, sorted(self.names))


def pytest_collection_modifyitems(config, items):
    for item in items:
        for fixture in MARK_OF_FIXTURE.keys() & set(item.fixturenames):
            item.add_marker(MARK_OF_FIXTURE[fixture])
    if not config.getoption("last_skipped"):
        return
    skipped = set(config.cache.get(LAST_SKIPPED, []))
    chosen = [item for item in items if {item.nodeid, item.nodeid.partition("::")[0]} & skipped]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


@pytest.fixture
def bikes_zip():
    return real_data("Bike-Sharing-Dataset.zip")


@pytest.fixture
def reviews_archive():
    return real_data("aclImdb_v1.tar.gz")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    """A folder in which both tools have downloaded simulated data and trained on it."""
    folder = tmp_path_factory.mktemp("workspace")
    for command, epochs in (("bikes", "3"), ("sentiment", "6")):
        for arguments in (["download", "--sample"], ["train", "--epochs", epochs]):
            code, _, errors = run(command, *arguments, cwd=folder)
            assert code == 0, errors
    return folder


@pytest.fixture(scope="module")
def client():
    """Two worker processes of Dask, which a nanny starts again when they die."""
    distributed = pytest.importorskip("distributed")
    from projects.sentiment.dask_engine import local_cluster

    with local_cluster(2) as cluster, distributed.Client(cluster) as client:
        yield client
