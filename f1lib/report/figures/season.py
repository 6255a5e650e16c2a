"""Figures over several races or predictions: scores, calibration, changes of a prediction, outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from f1lib.domain.weekend import HORIZONS
from f1lib.report.figures.style import (
    FAINT,
    FILL,
    INK,
    ON_FILL,
    WIDE_INCHES,
    Picture,
    bare,
    end_labels,
    letters_of,
    new_figure,
    picture,
    team_colours,
)

MODEL = "model"
# Systems are told apart by marker and dash as well as by colour.
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#d55e00", "marker": "s", "linestyle": "--"},
    {"color": "#009e73", "marker": "^", "linestyle": ":"},
    {"color": "#cc79a7", "marker": "D", "linestyle": "-."},
    {"color": "#8c7a00", "marker": "v", "linestyle": "--"},
)
HORIZON_WORDS = {
    "pre_weekend": "before the weekend",
    "post_practice": "after practice",
    "post_qualifying": "after qualifying",
    "pre_race": "grid known",
}


def looks(systems: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the line style of each system: the model's is thick, the baselines' are thin."""
    others = [system for system in systems if system != MODEL]
    found = {s: {**_LOOKS[i % len(_LOOKS)], "linewidth": 1.1, "markersize": 4} for i, s in enumerate(others)}
    return {MODEL: {"color": FILL, "marker": "o", "linestyle": "-", "linewidth": 2.2, "markersize": 5}, **found}


def season_scores(entries: pd.DataFrame, metric: str, title: str) -> Picture:
    """Draw one metric race by race, a line per system; the legend has the means.

    Parameters
    ----------
    entries : pandas.DataFrame
        Rows of ``reports/accuracy.json`` at one horizon, one per race and system: ``race_start_utc event_name system``
        and the metric.
    metric : str
        One of `metrics.METRICS`.
    title : str
        Label of the axis, with the unit.

    Returns
    -------
    Picture
        The figure.
    """
    wide = entries.pivot_table(index=["race_start_utc", "event_name"], columns="system", values=metric).sort_index()
    figure, axes = new_figure(_width(len(wide)), 3.4)
    styles = looks([str(s) for s in wide.columns])
    notes = []
    for system in [s for s in styles if s in wide.columns]:
        axes.plot(
            range(len(wide)),
            wide[system],
            label=f"{_system_label(system)} (mean {wide[system].mean():.2f})",
            **styles[system],
        )
        notes += [(i, v, f"{wide.index[i][1]}, {system}: {v:.2f}") for i, v in enumerate(wide[system]) if v == v]
    axes.set_xticks(range(len(wide)), [str(name).replace(" Grand Prix", "") for _, name in wide.index])
    axes.tick_params(axis="x", labelrotation=60)
    for label in axes.get_xticklabels():
        label.set_ha("right")
        label.set_rotation_mode("anchor")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.set_ylabel(title)
    _legend(figure)
    means = ", ".join(f"{s} {wide[s].mean():.2f}" for s in wide.columns)
    return picture(figure, f"{title} race by race over {len(wide)} races. Means: {means}.", f"season-{metric}", notes)


def cumulative(entries: pd.DataFrame, metric: str, title: str, baseline: str) -> Picture:
    """Draw the model's lead over a baseline, added up over the season; above zero the model leads.

    Parameters
    ----------
    entries : pandas.DataFrame
        As for `season_scores`.
    metric : str
        A metric of which lower is better.
    title : str
        What the metric measures, for the label of the axis.
    baseline : str
        The system to compare with.

    Returns
    -------
    Picture
        The figure.
    """
    wide = entries.pivot_table(index=["race_start_utc", "event_name"], columns="system", values=metric).sort_index()
    lead = (wide[baseline] - wide[MODEL]).fillna(0.0).cumsum()
    figure, axes = new_figure(_width(len(lead)), 3.4)
    axes.fill_between(range(len(lead)), lead, 0, color=FILL, alpha=0.25, linewidth=0)
    axes.plot(range(len(lead)), lead, color=FILL, marker="o", markersize=4)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(len(lead)), range(1, len(lead) + 1))
    axes.set_xlabel("race")
    axes.set_ylabel(f"{title} ahead of\n{_system_label(baseline)}, summed")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    notes = [(i, v, f"after {lead.index[i][1]}: {v:+.2f}") for i, v in enumerate(lead)]
    alt = f"Lead over {baseline} in {title}, added up: {lead.iloc[-1]:+.2f} after {len(lead)} races."
    return picture(figure, alt, f"lead-{metric}", notes)


def calibration(bins: Mapping[str, Sequence[Mapping[str, float]]]) -> Picture:
    """Draw reliability diagrams: predicted probability (across) against observed share (up), a panel per kind.

    ``bins`` maps ``p_win`` and the like to ``{predicted, observed, low, high, n}`` of each bin; the lines are 95 %
    intervals of the observed share.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.fonttype": "none"}):
        figure = Figure(figsize=(2.6 * len(bins), 2.9), layout="constrained")
        panels = figure.subplots(1, len(bins), squeeze=False)[0]
    words = []
    for axes, (name, rows) in zip(panels, bins.items(), strict=True):
        bare(axes)
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
        for row in rows:
            axes.plot([row["predicted"]] * 2, [row["low"], row["high"]], color=FILL, linewidth=1.2)
            axes.plot(row["predicted"], row["observed"], "o", color=FILL, markersize=3 + min(7.0, row["n"] ** 0.5 / 4))
        axes.set_title(name, color=INK, fontsize=10)
        axes.set_xlim(-0.03, 1.03)
        axes.set_ylim(-0.03, 1.03)
        axes.set_aspect("equal")
        axes.set_xlabel("said")
        words.append(f"{name}: " + ", ".join(f"{r['predicted']:.2f} said {r['observed']:.2f} seen" for r in rows))
    panels[0].set_ylabel("seen")
    return picture(figure, "Calibration of the issued chances. " + "; ".join(words) + ".", "calibration")


def moves(history: pd.DataFrame) -> Picture:
    """Draw how the expected position of each driver changed from prediction to prediction of one race.

    Parameters
    ----------
    history : pandas.DataFrame
        Every prediction issued for the race, one row per prediction and driver with `archive.COLUMNS`.

    Returns
    -------
    Picture
        The figure.
    """
    times = history.groupby(["as_of_utc", "horizon"]).size().reset_index()
    times["order"] = times["horizon"].map(list(HORIZONS).index)
    times = times.sort_values(["as_of_utc", "order"], ignore_index=True)
    place = {(r["as_of_utc"], r["horizon"]): i for i, r in enumerate(times.to_dict("records"))}
    colours, drivers = team_colours(history["team_id"]), history["driver_id"].nunique()
    figure, axes = new_figure(4.6, 0.26 * drivers + 1.0)
    ends, notes = [], []
    for _, rows in history.groupby("driver_id"):
        points = sorted((place[a, h], p) for a, h, p in rows[["as_of_utc", "horizon", "predicted_position"]].to_numpy())
        x, y = [i for i, _ in points], [p for _, p in points]
        last = rows.iloc[-1]
        axes.plot(x, y, color=colours[last["team_id"]], linewidth=2, marker="o", markersize=4, markeredgecolor=INK)
        ends.append((letters_of(last), y[-1]))
        notes += [(i, p, f"{last['full_name']}, {HORIZON_WORDS[times['horizon'][i]]}: {p:.1f}") for i, p in points]
    end_labels(axes, len(times) - 1, ends, gap=0.55)
    words = [HORIZON_WORDS[h] for h in times["horizon"]]
    shown = [w.replace(" ", "\n", 1) if i == 0 or w != words[i - 1] else "" for i, w in enumerate(words)]
    axes.set_xticks(range(len(times)), shown, fontsize=8)
    axes.set_xlim(-0.15, max(len(times) - 1, 1) + 0.25)
    axes.invert_yaxis()
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.set_ylabel("expected position")
    alt = f"Expected positions over {len(times)} predictions: {', '.join(words)}."
    return picture(figure, alt, "moves", notes)


def outcome(rows: pd.DataFrame) -> Picture:
    """Draw predicted rank against result: a line per driver, bold for surprises.

    Parameters
    ----------
    rows : pandas.DataFrame
        One row per driver: ``abbreviation full_name team_id predicted_rank finishing_position surprise``, where
        ``surprise`` is the probability given to an outcome as far out as this one (`prediction_facts.outcome`).

    Returns
    -------
    Picture
        The figure; a surprise is an outcome with a probability below 0.1.
    """
    figure, axes = new_figure(4.4, 0.24 * len(rows) + 0.8)
    colours = team_colours(rows["team_id"])
    for row in rows.to_dict("records"):
        strong = row["surprise"] < 0.1
        style = {"linewidth": 2.6 if strong else 1.2, "alpha": 1.0 if strong else 0.55}
        axes.plot([0, 1], [row["predicted_rank"], row["finishing_position"]], color=colours[row["team_id"]],
                  marker="o", markersize=4, markeredgecolor=INK, **style)  # fmt: skip
        for x, y, side in ((0, row["predicted_rank"], "right"), (1, row["finishing_position"], "left")):
            shift = (-7, 0) if side == "right" else (7, 0)
            axes.annotate(letters_of(row), (x, y), xytext=shift, textcoords="offset points", ha=side,
                          va="center", fontsize=8.5, color=INK, fontweight="bold" if strong else "normal")  # fmt: skip
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks([0, 1], ["predicted", "result"])
    axes.set_yticks([1, *range(5, len(rows) + 1, 5)])
    axes.invert_yaxis()
    known = [f"{r['full_name']} {r['predicted_rank']} to {r['finishing_position']}"
             for r in rows.sort_values("surprise").head(3).to_dict("records")]  # fmt: skip
    return picture(figure, f"Predicted rank against result. The largest surprises: {', '.join(known)}.", "outcome")


def importance(rows: Sequence[tuple[str, float]], title: str, name: str) -> Picture:
    """Draw one value per feature as bars, the largest on top.

    Parameters
    ----------
    rows : sequence of tuple of (str, float)
        Label and value, in the order drawn.
    title : str
        Label of the axis, with the unit.
    name : str
        Prefix of the ids in the SVG; unique on a page.

    Returns
    -------
    Picture
        The figure.
    """
    figure, axes = new_figure(7.2, 0.26 * len(rows) + 0.8)
    for place, (_, value) in enumerate(rows):
        axes.barh(place, value, height=0.62, color=FILL)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.set_xlabel(title)
    words = ", ".join(f"{label} {value:.3f}" for label, value in rows[:5])
    return picture(figure, f"{title}. The largest: {words}.", name)


def _width(races: int) -> float:
    """Return the width in inches for a line over ``races`` races: between a phone's width and the page's."""
    return min(8.0, max(4.6, 1.8 + 0.26 * races))


def _system_label(system: object) -> str:
    return str(system).replace("_", " ")


def _legend(figure: Any) -> None:
    columns = 1 if figure.get_figwidth() < WIDE_INCHES else 2  # a system's name and mean take a third of a wide figure
    legend = figure.legend(frameon=False, fontsize=9, ncols=columns, loc="outside upper left")
    for text in legend.get_texts():
        text.set_color(INK)


__all__ = [
    "HORIZON_WORDS", "MODEL", "ON_FILL", "calibration", "cumulative", "importance", "looks", "moves", "outcome",
    "season_scores",
]  # fmt: skip
