"""Words and addresses that feed, calendar and pages of the site share."""

from __future__ import annotations

import re
from urllib.parse import quote

_UNPRINTABLE = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """Return a text without the control characters that XML and iCalendar do not allow."""
    return _UNPRINTABLE.sub("", text)


def address(site: str, name: str) -> str:
    """Return the address of ``name``, relative to ``reports/``: absolute where the site's own address is known."""
    return f"{site.rstrip('/')}/{quote(name)}" if site else quote(name)
