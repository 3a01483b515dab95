"""Fresh seeds for every run of the tests: other ones each time, printed, repeatable.

Called by   tests.simulation.test_swarm_fresh_*: one file each, so that two processes share them.
"""

import os
import secrets

from tests.simulation.swarm.campaign import run_campaign

SEEDS = 50
PLANT = "quadruple_tank"
LEAST = {
    "takeovers": 100,
    "exclusions": 50,
    "lease losses": 50,
    "cold starts": 50,
    "crashes": 30,
    "commands answered": 1000,
}
"""In 50 seeds. Four times as much in the whole run: hundreds of each."""


def run_fresh(part: int) -> None:
    """Fifty seeds that nobody has seen, or those from ``DCS_FIRST_SEED`` on. Fails with the command that repeats it."""
    first = int(os.environ.get("DCS_FIRST_SEED") or 1000 * secrets.randbelow(1_000_000)) + part * SEEDS
    print(f"seeds {first} to {first + SEEDS - 1} of {PLANT}")
    campaign = run_campaign(PLANT, range(first, first + SEEDS))
    print(campaign.report())
    assert not campaign.broken, campaign.report()
    little = {what: campaign.counts[what] for what, least in LEAST.items() if campaign.counts[what] < least}
    assert not little, f"too little happened from seed {first} on to prove anything: {little}"
    with_takeover = sum(result.counts.get("takeovers", 0) > 0 for result in campaign.results)
    assert with_takeover >= 0.9 * SEEDS, f"only {with_takeover} of {SEEDS} seeds from {first} on contain a takeover"
