"""Interoperation with software of others: a test that cannot run says why, and in CI that is a failure.

``needs(…)`` skips with a reason where a foreign program cannot be installed. When the environment variable ``CI`` is
``true``, every skip in this folder is reported as a failure: there the software must be present.
"""

import os
from collections.abc import Generator

import pytest


def in_ci() -> bool:
    """True where nobody can say "not here"."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    del item, call
    report = yield
    return without_skip(report) if in_ci() else report


def without_skip(report: pytest.TestReport) -> pytest.TestReport:
    """The same report, with a skip turned into a failure that repeats the reason."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = (
            f"CI must run this test, but it was skipped. {reason}\nInstall what it names (see `make setup`)."
        )
    return report
