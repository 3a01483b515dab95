"""The page of the redundancy protocol's phases, made from the table that the code itself walks through."""

from dcs.redundancy.protocol import PairMember
from dcs.redundancy.protocol.phases import HOLDING, MEANING, TRANSITIONS, Phase
from generator.markdown import page, table


def transition_pages() -> dict[str, str]:
    """Text of the page by its path below ``docs/reference``."""
    return {
        "redundancy-transitions.md": page(
            "Redundancy: the life of a member",
            "Made from `dcs/redundancy/protocol/phases.py`. The code changes its phase through this table only: what "
            "is not in it stops the node. Why it is safe: [explanation](../explanations/redundancy.md).",
            "## Phases",
            table(
                ("phase", "has the authority", "what a member does in it"),
                ((f"**{phase}**", "yes" if phase in HOLDING else "", MEANING[phase]) for phase in Phase),
            ),
            "## Transitions",
            table(
                ("phase", "what happens", "next phase", "what is done then"),
                ((row.phase, row.event, row.next, _done(row.actions)) for row in TRANSITIONS),
            ),
        )
    }


def _done(actions: tuple[str, ...]) -> str:
    """The first sentence of each action's own description, in the order in which they run."""
    return " ".join(str(getattr(PairMember, action).__doc__).splitlines()[0] for action in actions)
