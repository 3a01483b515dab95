"""Which word about the voter set counts: all three, or one member alone.

Called by   Voter. Pure comparisons of records and of what others said.
Behaviour   docs/explanations/redundancy.md, rule 11a.

A member changes the set only about itself ("I stand alone", "all three again"), each time under an epoch higher than
any in its own record. So of two words of the same member about itself the one with the higher epoch is the later one,
however late it arrives.
"""

from collections.abc import Mapping

from dcs.redundancy.messages import Info
from dcs.redundancy.protocol.ports import VoterRecord

STARTS_ALONE = 1 << 20
"""A member that stands alone raises its epoch with each start and tells nobody who could not hear it. When its own
record is lost too, this many starts are jumped over, so that epochs grow all the same."""


def ends(record: VoterRecord, sender: str, word: Info) -> bool:
    """The member that we know as standing alone says that it does not any more."""
    return record.alone == sender and word.alone != sender and word.epoch > record.alone_epoch


def is_news(me: str, record: VoterRecord, sender: str, word: Info) -> bool:
    """Somebody stands alone, and we have not heard of it. Nobody else can say this of ourselves."""
    if word.alone in ("", me) or record.alone == me or word.alone_epoch <= record.alone_epoch:
        return False
    if sender == word.alone:
        return word.agreed  # it only asks to
    return word.alone_epoch > record.epoch  # hearsay of before what we granted since is outdated


def rebuilt(me: str, record: VoterRecord, told: Mapping[str, Info]) -> VoterRecord:
    """Our record was lost, both others have told theirs. We ourselves do not stand alone any more."""
    changed = max(word.alone_epoch for word in told.values())
    if any(word.alone == me for word in told.values()):
        changed = max(record.epoch, changed) + STARTS_ALONE  # above every epoch that we may have used alone
    record = record._replace(epoch=max(record.epoch, changed), alone="", alone_epoch=changed, agreed=False)
    for sender, word in told.items():
        if word.alone == sender and word.agreed:
            return record._replace(alone=sender, alone_epoch=word.alone_epoch)
    for word in told.values():
        named = told.get(word.alone)
        if named is not None and not (named.alone != word.alone and named.epoch > word.alone_epoch):
            return record._replace(alone=word.alone, alone_epoch=word.alone_epoch)
    return record
