"""The page of another forecaster's scores beside ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from f1lib.evaluation.others import title_of
from f1lib.lake import attribution
from f1lib.lake.paths_published import others_key
from f1lib.lake.store import ObjectStore, write_json
from f1lib.report.pages import render
from f1lib.scoring.metrics import METRICS


def publish(store: ObjectStore, card: dict[str, Any], source: str) -> str:
    """Write the scores of a file of forecasts as a page and as JSON beside it.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    card : dict
        What `f1lib.evaluation.others.score_forecasts` returned, with ``file``, ``name``, ``model`` and
        ``ignored_columns``.
    source : str
        Source of the lake's data.

    Returns
    -------
    str
        Key of the page.
    """
    write_json(store, others_key(card["name"], "json"), card)
    named = attribution.attribution(source, weather=False)
    page = render(
        "others.html.j2",
        key := others_key(card["name"], "html"),
        title=f"{card['name']} beside {card['model']}",
        lead=f"Forecasts of {card['file']}, scored on the same races as ours at the horizon whose data was out when "
        "theirs was issued.",
        card=card,
        groups=list(_groups(card)),
        source=source,
        attribution=named,
    )
    store.write(key, page.encode())
    return key


def _groups(card: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each group with its title, rows of scores, and differences as text."""
    for group in card["groups"]:
        rows = [
            {"system": name, "horizon": group["horizon"], "races": group["races"], **dict.fromkeys(METRICS), **row}
            for name, row in group["means"].items()
        ]
        differences = {f"{group['system']} minus {card['model']}": group["paired"]}
        differences |= {
            f"{name}: real minus expected": both["real_minus_expected"] for name, both in group["excess"].items()
        }
        yield {
            "title": title_of(group),
            "rows": rows,
            "differences": [
                [name, *(_signed(row, metric) for metric in METRICS)] for name, row in differences.items() if row
            ],
        }


def _signed(row: dict[str, float], metric: str) -> str | None:
    if metric not in row:
        return None
    return f"{row[metric]:+.4f}" + (f" ± {row[f'{metric}_se']:.4f}" if row[f"{metric}_se"] else "")
