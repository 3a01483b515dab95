"""What a device says it is.

Called by   ``onboarding.probe``.
Knows       read device identification (43/14) and, where a device does not know it, report server id (17).
Source      Modbus application protocol V1.1b3, sections 6.13 and 6.21.
"""

from dataclasses import dataclass, field

from dcs.core.errors import LinkDown
from field_io.drivers.links.link import DeviceRefused
from field_io.modbus import pdu as codes
from field_io.onboarding.asker import REPORT_SERVER_ID, Asker

_ROUNDS_MOST = 16
"""Parts of one answer: a device that always says that more follows is not believed for ever."""
VENDOR, PRODUCT, REVISION, PRODUCT_NAME, MODEL = 0, 1, 2, 4, 5


@dataclass(frozen=True, slots=True)
class Identity:
    """What it says; empty where it says nothing."""

    objects: dict[int, str] = field(default_factory=dict)  # number of the object -> text
    server_id: str = ""  # of function 17
    running: bool | None = None  # run indicator of function 17

    @property
    def how(self) -> str:
        """Function code that brought it; "" for none."""
        return "43/14" if self.objects else "17" if self.server_id else ""

    @property
    def maker(self) -> str:
        """Who makes it."""
        return self.objects.get(VENDOR, "")

    @property
    def model(self) -> str:
        """What it is called: model, else product name, else product code, else the server's id."""
        names = (self.objects.get(number, "") for number in (MODEL, PRODUCT_NAME, PRODUCT))
        return next((name for name in names if name), self.server_id)

    @property
    def revision(self) -> str:
        """Of its firmware."""
        return self.objects.get(REVISION, "")

    @property
    def text(self) -> str:
        """One line for people; "" when it says nothing."""
        revision = f"revision {self.revision}" if self.revision else ""
        return ", ".join(part for part in (" ".join(p for p in (self.maker, self.model) if p), revision) if part)


async def identify(asker: Asker) -> Identity:
    """Ask by 43/14, else by 17. Raises ``LinkDown`` when a device is silent to both, and ``Spent``.

    Raises ``DeviceRefused`` only for the answer of a gateway that there is nobody (10, 11).
    """
    silence: LinkDown | None = None
    objects: dict[int, str] = {}
    try:
        objects = await _objects(asker)
    except LinkDown as exc:
        silence = exc
    except DeviceRefused as refused:
        if refused.code in (codes.NO_PATH, codes.NO_ANSWER):
            raise
    if objects:
        return Identity(objects)
    try:
        return await _server_id(asker)
    except LinkDown:
        if silence is None:
            return Identity()
        raise


async def _objects(asker: Asker) -> dict[int, str]:
    found: dict[int, str] = {}
    for access in (1, 2):  # basic is mandatory, regular is not
        following = 0
        for _ in range(_ROUNDS_MOST):
            try:
                objects, following = codes.objects_of(await asker.ask(codes.identification(access, following)))
            except codes.Malformed as malformed:
                raise LinkDown(str(malformed)) from None
            except DeviceRefused:
                if found:
                    return found
                raise
            found |= {number: _text(data) for number, data in objects.items()}
            if not following:
                break
    return found


async def _server_id(asker: Asker) -> Identity:
    answer = await asker.exchange(bytes((REPORT_SERVER_ID,)))
    if len(answer) < 3 or answer[0] != REPORT_SERVER_ID or len(answer) < 2 + answer[1]:
        return Identity()
    data = answer[2 : 2 + answer[1]]
    # The run indicator is the first byte that is 00 or FF behind the id, and makers do not agree on what the id is.
    texts = _runs_of_text(data)
    running = next((byte == 0xFF for byte in data[1:] if byte in (0, 0xFF)), None)
    return Identity({}, " ".join(texts) or data.hex(" "), running)


def _runs_of_text(data: bytes) -> list[str]:
    shown = "".join(chr(byte) if 32 <= byte < 127 else "\0" for byte in data)
    return [run.strip() for run in shown.split("\0") if len(run.strip()) >= 2]


def _text(data: bytes) -> str:
    text = data.split(b"\0", 1)[0].decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "?" for letter in text).strip()
