"""JSON and YAML as they come from outside: whatever is wrong with a document is a `ValueError`."""

from __future__ import annotations

import json
import math
from typing import Any

_DEEPEST = 50


def from_json(text: str | bytes) -> Any:
    """Parse a JSON document; bytes are UTF-8, with or without a byte order mark.

    Raises `ValueError` for what is no JSON, and for what `json.loads` takes or breaks on: NaN and Infinity, a number
    beyond a float's range or 64 bits, half a surrogate pair, lists within lists without end.
    """
    try:
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        document = json.loads(decoded, parse_constant=_finite, parse_float=_finite, parse_int=_whole)
        if "\\ud" in decoded.lower():
            json.dumps(document, ensure_ascii=False).encode()  # half a pair cannot be written in UTF-8
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return document


def from_yaml(text: str) -> Any:
    """Parse a YAML document of plain values.

    Raises `ValueError` for what is none, for lists within lists without end, and for aliases: a few hundred letters of
    them stand for a document of any size.
    """
    import yaml

    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise ValueError("it is nested too deeply")
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("aliases (*name) are not read: write the value out")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    except (AttributeError, TypeError, LookupError, OverflowError) as error:  # a tag that its value does not fit
        raise ValueError(f"a value does not fit its tag ({error})") from error


def _whole(text: str) -> int:
    if len(text) > 20 or abs(number := int(text)) >= 1 << 63:
        raise ValueError(f"{text[:20]} has more than 64 bits")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is not a finite number")
    return number
