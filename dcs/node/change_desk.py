"""Online changes of one controller: looked at, prepared on both, named for a scan, kept.

Called by   ``dcs.node.controller``; it is also the pair protocol's view of programs (``ProgramPorts``).
Knows       the replica, the pair, the versions on disk; how a configuration is loaded (given by the assembly).
Rules       docs/explanations/decisions/0007-online-change.md.
Promise     a change is put into a scan only when this controller has compiled it and the standby has answered, in this
            session, that it has; in every other case the running program stays, on both.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

from dcs.bus.api import Bus, Subscription
from dcs.bus.change_messages import ChangeReply, ChangeRequest, change_subject
from dcs.bus.messages import Command, Reply
from dcs.config.diff import restart_needed, text_changes
from dcs.config.plant_config import PlantConfig
from dcs.core.clock import Clock, sleep
from dcs.core.errors import DcsError, LinkDown
from dcs.engine.change_report import report_of
from dcs.engine.migrate import Transfer
from dcs.engine.operator_values import operator_values
from dcs.node.program import Loaded, Loader, build_program, load_program
from dcs.node.replica import APPLY, Replica
from dcs.node.versions import APPLIED, Version, Versions, find_version, version_of
from dcs.redundancy.runtime import RedundantMember

COMPILE_S = 0.5
"""How long loading takes in simulated time."""
VERDICT_S = 60.0
"""How long the standby may take to load a change."""
_LOOK_S = 0.1


@dataclass(eq=False)
class ChangeParts:
    """What an online change needs from outside."""

    versions: Versions
    load: Loader
    apart: Callable[..., Awaitable[Any]]
    launched: PlantConfig  # what the run was started with


@dataclass(eq=False)
class _Prepared:
    """A change that is ready here, and how the standby stands to it."""

    loaded: Loaded
    alone: bool  # there was no standby when it was prepared


@dataclass(eq=False)
class DueChange:
    """What the next scan does about changes of the program."""

    commands: list[Command]
    loaded: Loaded | None = None
    refused: list[Reply] = field(default_factory=list)
    later: list[Command] = field(default_factory=list)


class ChangeDesk:
    """One controller's desk for changes of its program."""

    def __init__(
        self,
        plant: str,
        pair: str,
        bus: Bus,
        clock: Clock,
        replica: Replica,
        parts: ChangeParts,
        unreachable: Callable[[tuple[str, ...]], list[str]],
        start: Callable[[Coroutine[Any, Any, None]], None],
    ) -> None:
        self._subject = change_subject(plant, pair)
        self._pair = pair
        self._bus = bus
        self._clock = clock
        self._replica = replica
        self._p = parts
        self._unreachable = unreachable
        self._start = start  # a task of the node: it ends with it
        self.member: RedundantMember | None = None  # set by the controller: each needs the other
        self._subscription: Subscription | None = None
        self._prepared: dict[bytes, _Prepared] = {}
        self._verdicts: dict[bytes, asyncio.Future[tuple[bool, str]]] = {}
        self._one_at_a_time = asyncio.Lock()
        self._keeping = asyncio.Lock()

    # --- the active's service ---------------------------------------------------------------------------------
    async def open(self) -> None:
        """Answer from now on."""
        if self._subscription is None:
            self._subscription = await self._bus.serve(self._subject, self._serve)

    async def close(self) -> None:
        """Not the active any more: what was prepared must be prepared again."""
        subscription, self._subscription = self._subscription, None
        self._prepared.clear()
        for waiting in self._verdicts.values():
            waiting.cancel()
        self._verdicts.clear()
        if subscription is not None:
            await subscription.stop()

    async def _serve(self, subject: str, payload: bytes) -> bytes:
        try:
            request = ChangeRequest.from_bytes(payload)
        except (ValueError, TypeError) as error:
            return ChangeReply(False, f"This is not a request for a change: {error}").to_bytes()
        match request.action:
            case "diff" | "prepare":
                async with self._one_at_a_time:
                    return (await self._look_at(request)).to_bytes()
            case "versions":
                reply: ChangeReply = await self._p.apart(self._versions)
            case "version":
                reply = await self._p.apart(lambda: self._version(request.which))
            case "parameters":
                reply = await self._p.apart(self._parameters)
            case _:
                reply = ChangeReply(False, f"`{request.action}` is not known. There are diff, prepare, versions.")
        return reply.to_bytes()

    # --- preparing ----------------------------------------------------------------------------------------------
    async def _look_at(self, request: ChangeRequest) -> ChangeReply:
        try:
            loaded, problems = await self._p.apart(lambda: self._load(request), COMPILE_S)
        except DcsError as error:
            return ChangeReply(False, str(error))
        if problems:
            return ChangeReply(False, "\n".join(problems), data={"restart": problems})
        replica = self._replica
        with replica.lock:
            running, memory = replica.program, replica.engine.snapshot()
        if loaded.came_from != running.key:  # changed by somebody else meanwhile
            loaded = Loaded(loaded.program, running.key, Transfer(running.shape, loaded.program.plan))
        report = report_of(loaded.transfer, memory, running.plan)
        report = report.with_items(text_changes(running.strategy, loaded.program.strategy))
        key, data = loaded.program.key, {"report": report.to_dict(), "version": loaded.program.version.header()}
        if loaded.program.version.digest == running.version.digest:
            return ChangeReply(True, "the configuration is the one that runs", "", data)
        problems = loaded.transfer.problems(memory)
        if problems:
            return ChangeReply(False, "\n".join(["nothing was changed, because now:", *problems]), "", data)
        if request.action == "diff":
            return ChangeReply(True, "", "", data)
        refusal = await self._get_ready(loaded)
        return ChangeReply(not refusal, refusal or "ready on both controllers", key.hex(), data)

    def _load(self, request: ChangeRequest) -> tuple[Loaded, list[str]]:
        """Check and compile; what needs a restart is told instead."""
        running = self._replica.program
        base = running.version
        draft = replace(
            base,
            folder=request.folder or base.folder,
            overrides=(*base.overrides, *request.overrides),
            texts=tuple(sorted(request.texts.items())) or base.texts,
        )
        config = self._p.load(draft)
        number, time_ns = self._p.versions.next_number(), self._clock.time_ns()
        version = version_of(config, number, time_ns, APPLIED, request.user, request.station)
        problems = restart_needed(self._p.launched, config)
        if problems:
            return Loaded(running, running.key, Transfer(running.shape, running.plan)), problems
        program = build_program(version, config, self._pair)
        channels = (*program.plan.input_channels, *program.plan.output_channels)
        problems += [
            f"{name} is on a device that this controller does not speak to yet. This needs a restart."
            for name in self._unreachable(channels)
        ]
        old, new = ({c.name: c.period_ns for c in one.scan_classes} for one in (running, program))
        if not old.keys() & new.keys() or min(old.values()) != min(new.values()):
            problems.append("the fastest scan class in use would be another one. This needs a restart.")
        return Loaded(program, running.key, Transfer(running.shape, program.plan)), problems

    async def _get_ready(self, loaded: Loaded) -> str:
        """Both have it when this returns ""; else why not."""
        key, member = loaded.program.key, self.member
        assert member is not None
        alone = member.alone
        if member.config.paired and not alone:
            answer: asyncio.Future[tuple[bool, str]] = asyncio.get_running_loop().create_future()
            self._verdicts[key] = answer
            refusal = member.propose(key, loaded.program.version.to_bytes())
            if refusal:
                return f"nothing was changed: {refusal}. Try again when the standby is ready."
            try:
                ok, text = await self._verdict(member, answer)
            finally:
                self._verdicts.pop(key, None)
            if not ok:
                return f"nothing was changed: the standby is not ready for it: {text}"
        with self._replica.lock:
            self._replica.add(loaded)
        self._prepared = {key: _Prepared(loaded, alone)}
        return ""

    async def _verdict(self, member: RedundantMember, answer: asyncio.Future[tuple[bool, str]]) -> tuple[bool, str]:
        """The standby's word; a standby that is lost meanwhile will not give it."""
        for _ in range(round(VERDICT_S / _LOOK_S)):
            if answer.cancelled():
                raise LinkDown("authority was lost while the change was prepared")
            if answer.done():
                return answer.result()
            if not member.standby_ready:
                return False, "it was lost while it got ready"
            await sleep(self._clock, _LOOK_S)
        return False, f"it did not get ready within {VERDICT_S:.0f} s"

    # --- naming the scan (from the scan's thread, with the replica's lock) ----------------------------------------
    def due(self, commands: list[Command], class_name: str) -> DueChange:
        """Which of the commands for the next scan may enter it; at most one changes the program."""
        due = DueChange([])
        for command in commands:
            if command.verb != APPLY or self._replica.answered(command.id):
                due.commands.append(command)
                continue
            prepared = self._prepared.get(_key(command.subject))
            refusal = self._refusal(prepared)
            if refusal or prepared is None:
                due.refused.append(Reply(command.id, False, refusal))
            elif due.loaded is not None or class_name not in {c.name for c in prepared.loaded.program.scan_classes}:
                due.later.append(command)
            else:
                due.loaded = prepared.loaded
                due.commands.append(command)
        return due

    def _refusal(self, prepared: _Prepared | None) -> str:
        assert self.member is not None
        if prepared is None:
            return "nothing was changed: this change is not prepared (any more). Prepare it again."
        if not self._replica.has(prepared.loaded.program.key):
            return "nothing was changed: other changes were prepared meanwhile. Prepare it again."
        both = self.member.agrees(prepared.loaded.program.key)
        if not both and not (prepared.alone and self.member.alone):
            return "nothing was changed: the standby that was ready for it is not there now. Prepare it again."
        if prepared.loaded.came_from != self._replica.program.key:
            return "nothing was changed: another change was applied meanwhile. Prepare it again."
        problems = prepared.loaded.transfer.problems(self._replica.engine.snapshot())
        return f"nothing was changed: {problems[0]}" if problems else ""

    async def keep_current(self) -> None:
        """The program that runs now is the one to start with again. Durable when this returns; never waits on the loop.

        A slow disk would cost the active its lease, and the standby its place in the mirror.
        """
        self._prepared.clear()
        async with self._keeping:  # one after the other: the last one written is the last one that ran
            version = self._replica.program.version
            await self._p.apart(lambda: self._p.versions.make_current(version, self._p.launched.digest))

    # --- what the pair protocol asks (event loop) ---------------------------------------------------------------
    def program(self) -> bytes:
        """The key of the one that is executed."""
        return self._replica.program.key

    def offer(self) -> tuple[bytes, bytes]:
        """(key, configuration) for a standby that has another one."""
        program = self._replica.program
        return program.key, program.version.to_bytes()

    def loaded(self, key: bytes) -> bool:
        """Could we follow a copy of that program now?"""
        return self._replica.has(key)

    def load(self, key: bytes, data: bytes) -> None:
        """As the standby: load what the active offers, apart from everything else."""
        self._start(self._load_offered(key, data))

    async def _load_offered(self, key: bytes, data: bytes) -> None:
        assert self.member is not None
        running = self._replica.program
        try:
            version = Version.from_bytes(data)
            loaded = await self._p.apart(lambda: load_program(version, self._p.load, running, self._pair), COMPILE_S)
        except (DcsError, ValueError) as error:
            self.member.decided(key, False, str(error)[:2000])
            return
        if loaded.program.key != key:
            text = "it compiles to another plan here. Both controllers must run the same version of this software."
            self.member.decided(key, False, text)
            return
        with self._replica.lock:
            self._replica.add(loaded)
        self.member.decided(key, True, "")

    def verdict(self, key: bytes, ok: bool, text: str) -> None:
        """As the active: the standby has loaded a program, or cannot."""
        waiting = self._verdicts.get(key)
        if waiting is not None and not waiting.done():
            waiting.set_result((ok, text))

    # --- looking -----------------------------------------------------------------------------------------------
    def _versions(self) -> ChangeReply:
        current = self._replica.program.version
        rows = [{**one.header(), "current": one.digest == current.digest} for one in self._p.versions.all()]
        return ChangeReply(True, "", data={"versions": rows})

    def _version(self, which: str) -> ChangeReply:
        current = self._replica.program.version
        found = current if which == "running" else find_version(self._p.versions.all(), which)
        if found is None:
            return ChangeReply(False, f"there is no version `{which}`. `dcs versions` lists them.")
        return ChangeReply(True, "", data={"version": found.header(), "texts": dict(found.texts)})

    def _parameters(self) -> ChangeReply:
        replica = self._replica
        with replica.lock:
            program, memory = replica.program, replica.engine.memory.view("i8").copy()
        rows = [
            {"block": v.block, "name": v.name, "tags": v.tags, "in_file": v.in_file, "now": v.now, "unit": v.unit}
            for v in operator_values(program.plan, memory)
        ]
        return ChangeReply(True, "", data={"parameters": rows, "version": program.version.header()})


def _key(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
