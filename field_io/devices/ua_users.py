"""Who may do what at a simulated OPC UA device: everybody reads; writes are for everybody, or for one user alone.

Called by   ``devices.opc_ua_device`` (sessions of the box), ``devices.opc_ua_server`` (over TCP).
Knows       the access of the configuration; the password stands in the environment.
"""

import hmac
import os

from dcs.core.errors import Missing
from field_io.specs import OpcUaAccess


class UaUsers:
    """Of one device."""

    def __init__(self, device: str, access: OpcUaAccess) -> None:
        self._device = device
        self._access = access

    @property
    def password(self) -> str:
        """Of the configured user. Raises ``Missing`` when the environment does not have it."""
        name = self._access.password_env
        if name and name not in os.environ:
            raise Missing(f"device {self._device}: the environment variable {name} (its password) is not set.")
        return os.environ.get(name, "") if name else ""

    def refusal(self, access: OpcUaAccess) -> str:
        """Why a session of the box is not opened; ``""`` = it is."""
        ours = self._access
        if access.security != ours.security or (access.security != "none" and access.policy != ours.policy):
            offered = ours.security + (f" with {ours.policy}" if ours.security != "none" else "")
            return f"the server offers no {access.security} with {access.policy}; it offers {offered}"
        given = os.environ.get(access.password_env, "") if access.password_env else ""
        if not self.knows(access.user, given):
            return f"the server does not let user {access.user} in: user or password is wrong"
        return ""

    def knows(self, user: str, password: str) -> bool:
        """True for anonymous clients, and for the configured user with its password."""
        if not user:
            return True
        pairs = ((user, self._access.user), (password, self.password))
        return all(hmac.compare_digest(given.encode(), ours.encode()) for given, ours in pairs)

    def may_write(self, user: str) -> bool:
        """True for everybody, or for the configured user alone."""
        return not self._access.user or user == self._access.user
