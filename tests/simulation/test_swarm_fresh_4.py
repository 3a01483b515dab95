"""Fresh seeds of the whole system under swarms of faults, one part of four: parallel test processes share files."""

import pytest

from tests.simulation.swarm.fresh import run_fresh


@pytest.mark.timeout(600)
def test_fresh_seeds_keep_every_promise() -> None:
    """Promise: whatever goes wrong, one writer, nothing acknowledged lost, and life after healing."""
    run_fresh(3)
