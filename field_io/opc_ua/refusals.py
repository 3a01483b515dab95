"""What a server refuses: a session, or one request.

Raised by   both peers of a session, the check of certificates; the driver turns them into back-off, status and text.
"""

from dcs.core.errors import DcsError, LinkDown
from field_io.opc_ua.status import code_name


class SessionRefused(LinkDown):
    """The server answers and does not let us in: certificate, user, security mode. Asking more often helps nobody."""


class ServiceRefused(DcsError):
    """The server answered a request with a Bad code: the session is fine, the request is not."""

    def __init__(self, code: int, doing: str) -> None:
        self.code = code
        super().__init__(f"{doing}: the server answered {code_name(code)}")
