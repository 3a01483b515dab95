"""What asyncua raises, and the sentence that a person gets.

Called by   ``ua_wire.session``.
"""

import asyncio
import contextlib
import struct
from collections.abc import Iterator
from pathlib import Path

from asyncua import ua
from asyncua.crypto.uacrypto import InvalidSignature

from dcs.core.errors import LinkDown
from field_io.opc_ua.refusals import SessionRefused
from field_io.opc_ua.status import code_name

TROUBLE = (OSError, EOFError, ua.UaError, InvalidSignature, ValueError, TypeError, AttributeError, struct.error)
"""What asyncua raises when a connection or an answer is not as it should be."""

_REFUSED = {
    "BadCertificateUntrusted": "does not trust our certificate; put {own} among its trusted ones",
    "BadSecurityChecksFailed": "does not accept our certificate; put {own} among its trusted ones",
    "BadUserAccessDenied": "does not let user {user} in: user or password is wrong",
    "BadIdentityTokenRejected": "does not let user {user} in: it wants another kind of login",
    "BadIdentityTokenInvalid": "does not let user {user} in: user or password is wrong",
    "BadTooManySessions": "has no session left for us",
}


def refusal(exc: BaseException, own: Path, user: str, patience_s: float) -> LinkDown:
    """What went wrong while connecting, in one sentence."""
    code = getattr(exc, "code", None)
    if isinstance(code, int):
        name = code_name(code)
        text = _REFUSED.get(name, f"answered {name}" + (f" ({exc})" if name.startswith("0x") else ""))
        return SessionRefused("the server " + text.format(own=own, user=user or "anonymous"))
    if isinstance(exc, TimeoutError):
        return LinkDown(f"no session within {patience_s:g} s")
    return LinkDown(f"connection lost: {exc}" if str(exc) else f"connection lost ({type(exc).__name__})")


@contextlib.contextmanager
def plain_cancellation() -> Iterator[None]:
    """asyncua is cancelled with an error class of its own, which a ``TaskGroup`` takes for a failure."""
    try:
        yield
    except asyncio.CancelledError as exc:
        if type(exc) is asyncio.CancelledError:
            raise
        raise asyncio.CancelledError from None
