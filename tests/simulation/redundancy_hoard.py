"""A network with a long memory: it delivers an old message again just when it could do harm.

Called by   tests.simulation.redundancy_world for every message that leaves a node.
Knows       grants by request id, and the acknowledgements of earlier sessions.

Messages may be late by any time, so this is only an unlikely network, not an unfair one.
"""

from collections import defaultdict
from random import Random

from dcs.redundancy.messages import GRANTED, Ack, Info, Message, Query, Record, Request, Vote

Link = tuple[str, str]
KEPT_ACKS = 5  # of each link, those of different sessions with the most to say


class Hoard:
    """``late_answers`` gives what arrives once more because of the message that leaves now."""

    def __init__(self, chance: float, rng: Random) -> None:
        self.chance = chance
        self._rng = rng
        self._grants: dict[tuple[Link, int], Vote] = {}
        self._acks: dict[Link, dict[object, Ack]] = defaultdict(dict)
        self._infos: dict[Link, Info] = {}

    def keep(self, link: Link, message: Message) -> None:
        """This leaves now."""
        if type(message) is Vote and message.reason == GRANTED:
            self._grants.setdefault((link, message.request_id), message)
        elif type(message) is Ack and message.complete:
            kept = self._acks[link]
            kept[message.session] = message
            if len(kept) > KEPT_ACKS:
                del kept[min(kept, key=lambda session: kept[session].seq)]
        elif type(message) is Info and not message.alone:
            self._infos[link] = message

    def late_answers(self, link: Link, message: Message) -> list[tuple[Link, Message]]:
        """(link, message) of what the other side of this link once said."""
        if not self.chance or self._rng.random() >= self.chance:
            return []
        back = (link[1], link[0])
        if type(message) is Request:
            answers: list[Message | None] = [self._grants.get((back, message.request_id)), self._infos.get(link)]
            links = (back, link)
            return [(way, answer) for way, answer in zip(links, answers, strict=True) if answer is not None]
        if type(message) is Query:
            word = self._infos.get(link)
            return [(link, word)] if word is not None else []
        if type(message) is Record:
            return [(back, ack) for ack in self._acks[back].values() if ack.seq >= message.seq]
        return []
