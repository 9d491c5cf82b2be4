"""The certificate authority of one embedded Azure, and the one leaf that it ever signs.

Its key is made, signs one leaf and is gone: it is never written. Its certificate is constrained to the names in that
leaf, with every IP address excluded, so that trusting it can vouch for nothing else even in principle. It is never put
into a system's store: processes trust it by a file that their environment names.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from ipaddress import ip_network

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from azmlflow.localazure.core.clock import Clock
from azmlflow.localazure.core.hosts import CERTIFIED
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.private import write_private

LIFETIME = timedelta(days=397)  # Apple's verifiers refuse a leaf that lives longer than 398 days
RENEW_BEFORE = timedelta(days=60)  # renewed at a start within this time of the end
_BACKDATED = timedelta(hours=1)  # for clocks that are a little behind


def ensure(folder: Folder, clock: Clock) -> bool:
    """Have a certificate authority and a leaf in the state folder that are good for a while yet.

    Args:
        folder: gets ca.pem, leaf.pem and leaf.key (0600 all).
        clock: decides validity.

    Returns:
        True if they were made, False if the ones there are good.
    """
    if _good(folder, clock.now()):
        return False
    key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    start, end = clock.now() - _BACKDATED, clock.now() + LIFETIME - _BACKDATED
    ca = _authority(key, start, end)
    leaf = _leaf(ca, key, leaf_key, start, end)
    private = leaf_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # The authority goes last: with it the set is complete, and `_good` finds a torn set wanting.
    write_private(folder.leaf_key, private)
    write_private(folder.leaf, leaf.public_bytes(serialization.Encoding.PEM))
    write_private(folder.ca, ca.public_bytes(serialization.Encoding.PEM))
    return True


def _good(folder: Folder, now: datetime) -> bool:
    files = (folder.ca, folder.leaf, folder.leaf_key)
    if not all(path.exists() for path in files):
        return False
    try:
        ca, leaf = (x509.load_pem_x509_certificate(path.read_bytes()) for path in files[:2])
        key = serialization.load_pem_private_key(folder.leaf_key.read_bytes(), password=None)
    except ValueError:  # made anew, as at its end: nothing else was made with it
        return False
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return (
        leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc - RENEW_BEFORE
        and leaf.issuer == ca.subject
        and key.public_key() == leaf.public_key()
        and tuple(names.get_values_for_type(x509.DNSName)) == CERTIFIED
    )


def _authority(key: ec.EllipticCurvePrivateKey, start: datetime, end: datetime) -> x509.Certificate:
    digest = hashlib.sha256(_public(key)).hexdigest()[:8]  # tells renewed authorities apart in a bundle
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"azmlflow embedded Azure {digest}")])
    constraints = x509.NameConstraints(
        permitted_subtrees=[x509.DNSName(domain) for domain in dict.fromkeys(n.removeprefix("*.") for n in CERTIFIED)],
        excluded_subtrees=[x509.IPAddress(ip_network("0.0.0.0/0")), x509.IPAddress(ip_network("::/0"))],
    )
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(constraints, critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _leaf(
    ca: x509.Certificate,
    ca_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePrivateKey,
    start: datetime,
    end: datetime,
) -> x509.Certificate:
    issuer = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CERTIFIED[0])]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in CERTIFIED]), critical=False)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        # Python 3.13 verifies strictly (RFC 5280): without this extension it refuses the chain.
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer), critical=False)
        .sign(ca_key, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
