"""What a controller answers on the bus while it is the active: layouts, latest frames, commands, changes.

Called by   ``dcs.node.controller``. Opens and closes in the order in which the roles changed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from dcs.bus.api import Subscription
from dcs.bus.messages import Frame, Layout, frames_to_bytes, latest_subject, layout_subject, layouts_to_bytes
from dcs.node.change_desk import ChangeDesk
from dcs.node.face import NodeFace
from dcs.node.operator_desk import OperatorDesk


class ActiveServices:
    """The doors of the active."""

    def __init__(
        self,
        face: NodeFace,
        pair: str,
        desks: tuple[OperatorDesk, ChangeDesk],
        layouts: Callable[[], list[Layout]],
        latest: Callable[[], Iterable[Frame]],
        first_image: Callable[[], Awaitable[None]],
    ) -> None:
        self._face = face
        self._pair = pair
        self._desks = desks
        self._layouts = layouts
        self._latest = latest
        self._first_image = first_image
        self._changes: asyncio.Queue[bool] = asyncio.Queue()
        self._services: list[Subscription] = []

    def role(self, active: bool) -> None:
        """The role has changed."""
        self._changes.put_nowait(active)

    async def run(self) -> None:
        """Open and close until cancelled."""
        while True:
            if await self._changes.get():
                await self._first_image()
                await self._open()
            else:
                for desk in self._desks:
                    await desk.close()
                for service in self._services:
                    await service.stop()
                self._services.clear()

    async def _open(self) -> None:
        if self._services:
            return
        plant, bus = self._face.plant, self._face.bus

        async def layouts(subject: str, payload: bytes) -> bytes:
            return layouts_to_bytes(self._layouts())

        async def latest(subject: str, payload: bytes) -> bytes:
            return frames_to_bytes(list(self._latest()))

        self._services.append(await bus.serve(layout_subject(plant, self._pair), layouts))
        self._services.append(await bus.serve(latest_subject(plant, self._pair), latest))
        for desk in self._desks:
            await desk.open()
