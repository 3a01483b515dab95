"""Which node of the box does what happens now.

Called by   ``dcs.node.box`` (a node starts under its name), the memory peers (what arrives is the receiver's) and
            ``dcs.core.simulated_time`` (a frozen node does nothing).
Knows       a context variable: asyncio hands it on to every task, timer and callback that a node's code makes.
"""

from collections.abc import Callable
from contextvars import Context, ContextVar
from typing import TypeVar

T = TypeVar("T")

NODE: ContextVar[str] = ContextVar("node", default="")
"""The name of the node; "" = nobody: the network, the plant's observer, a test."""

NOBODY = Context()
"""For what no node does, whoever set it off."""


def context_of(node: str) -> Context:
    """A new context in which everything belongs to ``node``."""
    context = Context()
    context.run(NODE.set, node)
    return context


def as_node(node: str, call: Callable[..., T], *args: object) -> T:
    """Call on behalf of ``node``: what comes of it is that node's."""
    token = NODE.set(node)
    try:
        return call(*args)
    finally:
        NODE.reset(token)
