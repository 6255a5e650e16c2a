"""Figures over several races or predictions: scores, calibration, changes of a prediction, outcome."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from f1lib.domain.weekend import HORIZON_WORDS, HORIZONS
from f1lib.report.figures import style
from f1lib.report.figures.style import FAINT, FILL, INK, WIDE_INCHES, Picture
from f1lib.report.pages import percent, system_words

MODEL = "model"
# Systems are told apart by marker and dash as well as by colour.
_LOOKS: tuple[dict[str, Any], ...] = (
    {"color": "#d55e00", "marker": "s", "linestyle": "--"},
    {"color": "#009e73", "marker": "^", "linestyle": ":"},
    {"color": "#cc79a7", "marker": "D", "linestyle": "-."},
    {"color": "#8c7a00", "marker": "v", "linestyle": "--"},
)

_SHARE_WORDS = {"p_win": "win", "p_podium": "podium", "p_points": "points", "p_dnf": "DNF"}


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
    figure, axes = style.new_figure(_width(len(wide)), 3.4, grid="y")
    styles = looks([str(s) for s in wide.columns])
    notes = []
    for system in [s for s in styles if s in wide.columns]:
        label = f"{system_words(system)} (mean {wide[system].mean():.2f})"
        axes.plot(range(len(wide)), wide[system], label=label, **styles[system])
        words = system_words(system)
        notes += [(i, v, f"{wide.index[i][1]}, {words}: {v:.2f}") for i, v in enumerate(wide[system]) if v == v]
    names = [str(name).replace(" Grand Prix", "") for _, name in wide.index]
    axes.set_xticks(range(len(wide)), names, rotation=60, ha="right", rotation_mode="anchor")
    axes.set_ylabel(title)
    columns = 1 if figure.get_figwidth() < WIDE_INCHES else 2  # a system's name and mean take a third of a wide figure
    figure.legend(frameon=False, fontsize=9, ncols=columns, loc="outside upper left", labelcolor=INK)
    means = ", ".join(f"{system_words(s)} {wide[s].mean():.2f}" for s in wide.columns)
    return style.picture(
        figure, f"{title} race by race over {len(wide)} races. Means: {means}.", f"season-{metric}", notes
    )


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
    figure, axes = style.new_figure(_width(len(lead)), 3.4, grid="y")
    axes.fill_between(range(len(lead)), lead, 0, color=FILL, alpha=0.25, linewidth=0)
    axes.plot(range(len(lead)), lead, color=FILL, marker="o", markersize=4)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xticks(range(len(lead)), range(1, len(lead) + 1))
    axes.set(xlabel="race", ylabel=f"{title} ahead of\n{system_words(baseline)}, summed")
    notes = [(i, v, f"after {lead.index[i][1]}: {v:+.2f}") for i, v in enumerate(lead)]
    alt = f"Lead over {system_words(baseline)} in {title}, added up: {lead.iloc[-1]:+.2f} after {len(lead)} races."
    return style.picture(figure, alt, f"lead-{metric}", notes)


def calibration(bins: Mapping[str, Sequence[Mapping[str, float]]]) -> Picture:
    """Draw reliability diagrams: predicted probability (across) against observed share (up), a panel per kind.

    ``bins`` maps ``p_win`` and the like to ``{predicted, observed, low, high, n}`` of each bin; the lines are 95 %
    intervals of the observed share.
    """
    figure, panels = style.new_panels(bins, 2.6, 2.9)
    words, notes = [], []
    for axes, (name, rows) in zip(panels, bins.items(), strict=True):
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2)
        for row in rows:
            axes.plot([row["predicted"]] * 2, [row["low"], row["high"]], color=FILL, linewidth=1.2)
            axes.plot(row["predicted"], row["observed"], "o", color=FILL, markersize=3 + min(7.0, row["n"] ** 0.5 / 4))
        axes.set_title(_SHARE_WORDS[name], color=INK, fontsize=10)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal", xlabel="said")
        notes.append([(r["predicted"], r["observed"], _said_and_seen(r)) for r in rows])
        words.append(f"{_SHARE_WORDS[name]}: {', '.join(_said_and_seen(r) for r in rows)}")
    panels[0].set_ylabel("seen")
    return style.picture(figure, "Calibration of the issued chances. " + "; ".join(words) + ".", "calibration", *notes)


def _said_and_seen(row: Mapping[str, float]) -> str:
    return f"{percent(row['predicted'])} said, {percent(row['observed'])} seen, of {row['n']:.0f}"


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
    colours, drivers = style.team_colours(history["team_id"]), history["driver_id"].nunique()
    figure, axes = style.new_figure(4.6, 0.26 * drivers + 1.0, grid="x")
    ends, notes = [], []
    for _, rows in history.groupby("driver_id"):
        points = sorted((place[a, h], p) for a, h, p in rows[["as_of_utc", "horizon", "predicted_position"]].to_numpy())
        x, y = [i for i, _ in points], [p for _, p in points]
        last = rows.iloc[-1]
        axes.plot(x, y, color=colours[last["team_id"]], linewidth=2, marker="o", markersize=4, markeredgecolor=INK,
                  gid=style.driver_mark(last["driver_id"]))  # fmt: skip
        ends.append((style.letters_of(last), y[-1]))
        notes += [
            (i, p, f"{last['full_name']}, {HORIZON_WORDS[times['horizon'][i]]}: {p:.1f}", last["driver_id"])
            for i, p in points
        ]
    style.end_labels(axes, len(times) - 1, ends, gap=0.55)
    words = [HORIZON_WORDS[h] for h in times["horizon"]]
    shown = [w.replace(" ", "\n") if i == 0 or w != words[i - 1] else "" for i, w in enumerate(words)]
    axes.set_xticks(range(len(times)), shown, fontsize=8)
    axes.set(xlim=(-0.15, max(len(times) - 1, 1) + 0.25), ylabel="expected position")
    axes.invert_yaxis()
    alt = f"Expected positions over {len(times)} predictions: {', '.join(words)}."
    return style.picture(figure, alt, "moves", notes)


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
    notes: list[style.Note] = []
    figure, axes = style.new_figure(4.4, 0.24 * len(rows) + 0.8)
    colours = style.team_colours(rows["team_id"])
    for row in rows.to_dict("records"):
        strong = row["surprise"] < 0.1
        stroke = {"linewidth": 2.6 if strong else 1.2, "alpha": 1.0 if strong else 0.55}
        axes.plot([0, 1], [row["predicted_rank"], row["finishing_position"]], color=colours[row["team_id"]],
                  marker="o", markersize=4, markeredgecolor=INK,
                  gid=style.driver_mark(row["driver_id"]), **stroke)  # fmt: skip
        for x, y, side in ((0, row["predicted_rank"], "right"), (1, row["finishing_position"], "left")):
            shift = (-7, 0) if side == "right" else (7, 0)
            axes.annotate(style.letters_of(row), (x, y), xytext=shift, textcoords="offset points", ha=side,
                          va="center", fontsize=8.5, color=INK, fontweight="bold" if strong else "normal",
                          gid=style.driver_mark(row["driver_id"]))  # fmt: skip
        said = f"{row['full_name']}: predicted {row['predicted_rank']}, came {row['finishing_position']}"
        notes += [
            (x, y, said, row["driver_id"]) for x, y in ((0, row["predicted_rank"]), (1, row["finishing_position"]))
        ]
    axes.set_xlim(-0.25, 1.25)
    axes.set_xticks([0, 1], ["predicted", "result"])
    axes.set_yticks([1, *range(5, len(rows) + 1, 5)])
    axes.invert_yaxis()
    known = [f"{r['full_name']} {r['predicted_rank']} to {r['finishing_position']}"
             for r in rows.sort_values("surprise").head(3).to_dict("records")]  # fmt: skip
    return style.picture(
        figure, f"Predicted rank against result. The largest surprises: {', '.join(known)}.", "outcome", notes
    )


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
    figure, axes = style.new_figure(7.2, 0.26 * len(rows) + 0.8, grid="x")
    axes.barh(range(len(rows)), [value for _, value in rows], height=0.62, color=FILL)
    axes.set_yticks(range(len(rows)), [label for label, _ in rows])
    axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=title)
    words = ", ".join(f"{label} {value:.3f}" for label, value in rows[:5])
    return style.picture(figure, f"{title}. The largest: {words}.", name)


def _width(races: int) -> float:
    """Return the width in inches for a line over ``races`` races: between a phone's width and the page's."""
    return min(8.0, max(4.6, 1.8 + 0.26 * races))
