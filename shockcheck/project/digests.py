"""Content digests of texts and files: what has changed is told by content, never by times."""

import hashlib
from pathlib import Path

from shockcheck.project.files import read_bytes

MISSING = "missing"  # in place of the digest of what does not exist


def digest(content: bytes | str) -> str:
    """Return the SHA-256 of a text or of bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_digest(path: Path) -> str:
    """Return the digest of a file, or 'missing' where it cannot be read."""
    try:
        return digest(read_bytes(path))
    except OSError:
        return MISSING


def text_file_digest(path: Path) -> str:
    """Return the digest of a text file as version control stores it: the same for Windows' line ends."""
    try:
        return digest(read_bytes(path).replace(b"\r\n", b"\n"))
    except OSError:
        return MISSING
