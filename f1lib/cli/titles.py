"""How ``f1 backtest --championship`` prints its scorecard."""

from __future__ import annotations

from typing import Any

from f1lib.cli import output

_SYSTEMS = ("model", "leader", "resampled")
_KINDS = ("drivers", "teams")


def show(card: dict[str, Any]) -> None:
    """Print the means, the log-loss by season and by round, the calibration and how form drifted."""
    seasons = f"{card['seasons'][0]}-{card['seasons'][-1]}"
    title = f"Title chances of {card['model']} after {card['rounds']} rounds of {seasons}, walk-forward"
    heads = ["championship", "system", "log loss", "s.e.", "by third", "Brier", "s.e.", "by third"]
    rows = [
        [row["championship"], row["system"], *_figures(row, "log_loss"), *_figures(row, "brier")]
        for row in card["means"]
    ]
    output.print_table(heads, rows, right=heads[2:], title=title)
    for column, counted in (("event_year", "rounds"), ("after_round", "seasons")):
        _by(card["by_season" if column == "event_year" else "by_round"], column, counted)
    _calibration(card)
    drift = card["form_drift"]
    names = ("car", "driver", "car_step", "driver_step")
    said = ", ".join(f"{name.replace('_', ' ')} {drift[name]:.4f} +- {drift[f'{name}_se']:.4f}" for name in names)
    output.print_line(f"Variances of form in these seasons: {said} (what is used was measured on 2011-2013).")


def _figures(row: dict[str, Any], name: str) -> list[str]:
    thirds = " / ".join(f"{value:.3f}" for value in row[f"{name}_thirds"])
    return [f"{row[name]:.3f}", f"{row[f'{name}_se']:.3f}", thirds]


def _by(rows: list[dict[str, Any]], column: str, counted: str) -> None:
    """Print the champion's log-loss of every system, a row a season or a round."""
    heads = [column.replace("_", " "), counted, *(f"{kind}, {system}" for kind in _KINDS for system in _SYSTEMS)]
    cells = [
        [row[column], row[counted], *(f"{row[f'{kind}_{system}']:.3f}" for kind in _KINDS for system in _SYSTEMS)]
        for row in rows
    ]
    output.print_table(heads, cells, right=heads, title=f"Champion's log-loss by {column.replace('_', ' ')}")


def _calibration(card: dict[str, Any]) -> None:
    heads = ["championship", "given", "mean", "came true", "cases"]
    cells = [
        [
            kind,
            f"{bin['low']:.0%} to {bin['high']:.0%}",
            f"{bin['predicted']:.1%}",
            f"{bin['observed']:.1%}",
            bin["count"],
        ]
        for kind in _KINDS
        for bin in card["calibration"][kind]
    ]
    held = ", ".join(f"{kind} {card['coverage'][kind]:.0%}" for kind in _KINDS)
    caption = f"Final points inside their interval of 80 %: {held}"
    output.print_table(heads, cells, right=heads[1:], title="Chances of those who could still win", caption=caption)
