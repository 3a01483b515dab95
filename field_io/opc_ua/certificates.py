"""Application certificates: our own, made when nobody gave one, and those of servers that we have met.

Called by   the driver's wire peer, simulated devices that serve over TCP.
Knows       a folder: ``own.der``, ``own.key.pem``, and ``servers/NAME.der`` for each server met. A server that shows
            another certificate than before is refused until a person has removed the old one: that is all the trust
            that can be had without a certificate authority.
Source      OPC 10000-6, 6.2.2 (contents of an application instance certificate).
"""

import datetime
import hashlib
import ipaddress
import os
import socket
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dcs.core.errors import DcsError, LinkDown, Missing
from field_io.opc_ua.refusals import SessionRefused

_VALID_FROM, _VALID_TO = datetime.datetime(2020, 1, 1), datetime.datetime(2049, 12, 31)
"""Not by our clock: a device whose clock stands at its first day must be able to accept it, too."""
_KEY_BITS = 2048


class Certificates:
    """The certificates of one application."""

    def __init__(self, folder: Path, name: str, certificate: str = "", key: str = "") -> None:
        """``certificate``, ``key``: files of our own that somebody else made, PEM or DER; "" = they are made here."""
        self.folder = folder
        self.own_file = Path(certificate) if certificate else folder / "own.der"
        self.key_file = Path(key) if key else folder / "own.key.pem"
        self._name = name
        self._given = bool(certificate)

    @property
    def application_uri(self) -> str:
        """Who we are; the same in our certificate, which servers compare."""
        if self._given and self.own_file.exists():
            names = _load(self.own_file.read_bytes()).extensions.get_extension_for_class(x509.SubjectAlternativeName)
            found = names.value.get_values_for_type(x509.UniformResourceIdentifier)
            if found:
                return str(found[0])
        return f"urn:{socket.gethostname()}:dcs-emulator:{self._name}"

    def own(self) -> tuple[bytes, bytes]:
        """(Certificate as DER, private key as PEM). Raises ``Missing`` when a given file cannot be read."""
        if not self._given and not (self.own_file.exists() and self.key_file.exists()):
            self._make()
        try:
            certificate = _load(self.own_file.read_bytes())
            key = _load_key(self.key_file.read_bytes())
        except OSError as error:
            raise Missing(f"{error.filename}: the certificate cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise Missing(f"{self.own_file} or {self.key_file}: this is no certificate with its key.") from error
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return certificate.public_bytes(serialization.Encoding.DER), pem

    def _make(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=_KEY_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.key_file.unlink(missing_ok=True)
            with os.fdopen(os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
            self.own_file.write_bytes(_sign(key, f"dcs {self._name}", self.application_uri))
        except OSError as error:
            raise Missing(f"{self.folder}: no certificate can be kept there ({error.strerror}).") from error

    # --- servers ----------------------------------------------------------------------------------------------
    def check(self, server: str, shown: bytes, pinned: str) -> None:
        """Raises ``SessionRefused`` when ``server`` shows another certificate than the one we trust.

        ``pinned``: file of the trusted one; "" = the one that was remembered; without that, the first one is trusted.
        """
        if not shown:
            raise SessionRefused("the server shows no certificate")
        file = Path(pinned) if pinned else self._file_of(server)
        try:
            trusted = _load(file.read_bytes()).public_bytes(serialization.Encoding.DER)
        except FileNotFoundError:
            if pinned:
                raise SessionRefused(
                    f"{pinned}: there is no such file; it should be the server's certificate"
                ) from None
            return
        except (OSError, ValueError):
            raise SessionRefused(f"{file}: this is no certificate") from None
        if trusted != shown:
            raise SessionRefused(
                f"the server shows the certificate {fingerprint(shown)}, not {fingerprint(trusted)}, which we trust. "
                f"Is it another server? If it was given a new certificate, "
                + (f"put that into {file}" if pinned else f"delete {file}")
            )

    def remember(self, server: str, shown: bytes) -> None:
        """This server has proven that it holds the key of that certificate. Raises ``LinkDown`` without a disk."""
        file = self._file_of(server)
        if file.exists():
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(shown)
        except OSError as error:
            raise LinkDown(f"{file}: the server's certificate cannot be kept ({error.strerror})") from error

    def _file_of(self, server: str) -> Path:
        return self.folder / "servers" / f"{server}.der"


def fingerprint(certificate: bytes) -> str:
    """As tools show it: the SHA-1 thumbprint of OPC UA, in capital letters."""
    return hashlib.sha1(certificate).hexdigest().upper()


def _load(content: bytes) -> x509.Certificate:
    is_pem = content.lstrip().startswith(b"-----BEGIN")
    return x509.load_pem_x509_certificate(content) if is_pem else x509.load_der_x509_certificate(content)


def _load_key(content: bytes) -> rsa.RSAPrivateKey:
    is_pem = content.lstrip().startswith(b"-----BEGIN")
    load = serialization.load_pem_private_key if is_pem else serialization.load_der_private_key
    key = load(content, None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise DcsError("the private key is not an RSA key, and the policies of OPC UA need one")
    return key


def _sign(key: rsa.RSAPrivateKey, name: str, application_uri: str) -> bytes:
    """A self-signed application instance certificate."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "dcs-emulator")]
    )
    host = socket.gethostname()
    alternatives: list[x509.GeneralName] = [
        x509.UniformResourceIdentifier(application_uri),
        x509.DNSName(host),
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_VALID_FROM)
        .not_valid_after(_VALID_TO)
        .add_extension(identifier, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.DER)
