"""Text files as people save them: UTF-8 with or without a byte order mark; whatever else is refused by a reason."""

import re

MARKS = (b"\xff\xfe", b"\xfe\xff")  # with which a text in UTF-16 or UTF-32 begins
BREAK = re.compile(r"\r\n|\r|\n")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


class TextError(Exception):
    """A file is no text in UTF-8: what is wrong with it and, where that is known, in which line."""

    def __init__(self, message: str, line: int | None = None) -> None:
        """Keep the message, which goes on after the file's name, and the line, counted from 1."""
        super().__init__(message)
        self.message, self.line = message, line


def decode(raw: bytes) -> str:
    """Return the text that `raw` is in UTF-8; raises TextError for other encodings and for control signs in it."""
    if raw.startswith(MARKS):
        raise TextError("is in UTF-16; save it in UTF-8")
    if b"\0" in raw:  # also where a shell that writes UTF-16 added lines to a file in UTF-8
        raise TextError("holds NUL bytes, as text in UTF-16 does; save the file in UTF-8", _line(raw, raw.index(b"\0")))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"holds the byte 0x{raw[error.start]:02X}, which is not UTF-8; save the file in UTF-8"
        raise TextError(what, _line(raw, error.start)) from error
    control = CONTROL.search(text)
    if control:
        what = f"holds the invisible sign U+{ord(control[0]):04X}; remove it"
        raise TextError(what, len(BREAK.findall(text[: control.start()])) + 1)
    return text


def _line(raw: bytes, place: int) -> int:
    return len(BREAK.findall(raw[:place].decode("latin-1"))) + 1
