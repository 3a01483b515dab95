"""``reference/scenarios.md``: what a scenario may do, from the table of its verbs.

Called by   ``docs/generate_reference.py``.
"""

from dcs.node.scenario import VERBS
from generator.markdown import code, page, table

_EXAMPLE = """```yaml
title: A controller dies, a device goes off the network
actions:
  - {at: 19 min, set: {LIC-101.SP: 14}}
  - {at: 20 min, kill: active of C1}
  - {at: 21 min, restart: killed}
  - {at: 30 min, cut: RTU-1}
  - {at: 31 min, heal: RTU-1}
```"""


def scenario_pages() -> dict[str, str]:
    """Text of the page by its path below ``reference``."""
    return {
        "scenarios.md": page(
            "Scenarios",
            "A scenario is a file `scenarios/NAME.yaml` of a plant folder; `dcs simulate PLANT --scenario NAME` "
            "runs it. It has `title`, `description` and a list of `actions`; each action has `at`, a time after "
            "the start, and exactly one of these:",
            table(("verb", "takes"), ([code(verb), takes] for verb, takes in VERBS.items())),
            _EXAMPLE,
        )
    }
