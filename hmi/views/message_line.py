"""The line at the bottom: what became of the last commands.

Called by   the main window; always visible.
Knows       the desk's results.
"""

from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel

from hmi.model.commands import DONE, Request
from hmi.model.station import Station
from hmi.viewmodels.clock import clock_text
from hmi.viewmodels.sampler import Sampler


class MessageLine(QFrame):
    """Newest result left, pending commands right."""

    def __init__(self, station: Station, sampler: Sampler) -> None:
        super().__init__()
        self.setObjectName("MessageLine")
        self.setFixedHeight(26)
        self._station = station
        self._text, self._note = QLabel("Ready"), QLabel()
        self._note.setObjectName("Dim")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 0, 12, 0)
        layout.addWidget(self._text, 1)
        layout.addWidget(self._note)
        sampler.commands.connect(self._refresh)
        sampler.nodes.connect(self._refresh)

    def say(self, text: str) -> None:
        """A message of the station itself."""
        self._text.setText(f"{clock_text(self._station.clock.time_ns())}   {text}")

    @property
    def text(self) -> str:
        """What stands there."""
        return self._text.text()

    def _refresh(self) -> None:
        result = self._station.desk.last_result
        if result is not None and result != self.property("result"):
            self.setProperty("result", result)
            self._text.setText(f"{clock_text(result.time_ns)}   {sentence(result)}")
        self._note.setText(self._station.link_text)


def sentence(request: Request) -> str:
    """What happened to a command, in the plant's words."""
    command = request.command
    if request.state == DONE:
        return f"Done: {request.text or f'{command.verb} {command.subject}'}"
    what = f"{command.verb} {command.subject}".strip()
    return f"{request.state.capitalize()}: {what}: {request.text}"
