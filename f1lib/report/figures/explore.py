"""Figures of the notebooks in ``notebooks/explore``: season, driver, circuit, partial dependence, two models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from f1lib.domain.weekend import EventKey
from f1lib.report.figures import style
from f1lib.report.figures.style import FAINT, FILL, INK, ON_FILL, Picture

_TOP_DRIVERS = 10


def season_grid(results: pd.DataFrame) -> Picture:
    """Draw every result of one season: a row per driver, a column per race, darker is further ahead, R retired.

    Parameters
    ----------
    results : pandas.DataFrame
        `explore.races` of one season; drivers are ordered by their points.

    Returns
    -------
    Picture
        The figure.
    """
    points = results.groupby("driver_id")["points"].sum().sort_values(ascending=False, kind="stable")
    letters = results.groupby("driver_id")["abbreviation"].last()
    rounds = results[["event_number", "event_name"]].drop_duplicates().sort_values("event_number")
    column = {number: place for place, number in enumerate(rounds["event_number"])}
    line = {driver: place for place, driver in enumerate(points.index)}
    worst = float(results["finishing_position"].max())
    figure, axes = style.new_figure(0.29 * len(column) + 1.2, 0.23 * len(line) + 1.2)
    for row in results.to_dict("records"):
        x, y = column[row["event_number"]], line[row["driver_id"]]
        strength = (1 - (row["finishing_position"] - 1) / worst) if row["is_classified"] else 0.0
        axes.add_patch(_cell(x, y, strength))
        text = str(row["finishing_position"]) if row["is_classified"] else "R"
        axes.text(x, y, text, ha="center", va="center", fontsize=7, color=ON_FILL if strength > 0.85 else INK)
    axes.set(xlim=(-0.5, len(column) - 0.5), ylim=(len(line) - 0.5, -0.5))
    axes.set_yticks(range(len(line)), [str(letters[d]) for d in line], family="monospace")
    _name_races(axes, rounds["event_name"])
    top = ", ".join(f"{letters[d]} {points[d]:.0f} points" for d in list(line)[:3])
    alt = f"Results of {int(results['event_year'].iloc[0])}, {len(column)} races. The first three by points: {top}."
    return style.picture(figure, alt, "season-grid")


def points_race(results: pd.DataFrame) -> Picture:
    """Draw the points of the ten best drivers added up over one season.

    Parameters
    ----------
    results : pandas.DataFrame
        `explore.races` of one season, with its sprints. The second driver of a team is dashed.

    Returns
    -------
    Picture
        The figure.
    """
    wide = results.pivot_table(index="event_number", columns="driver_id", values="points", aggfunc="sum")
    total = wide.fillna(0.0).cumsum()
    best = total.iloc[-1].sort_values(ascending=False, kind="stable").index[:_TOP_DRIVERS]
    facts = results.groupby("driver_id")[["team_id", "abbreviation", "full_name"]].last()
    colours, seen = style.team_colours(facts["team_id"]), set()
    figure, axes = style.new_figure(7.6, 3.8, grid="y")
    for driver in best:
        team = facts.loc[driver, "team_id"]
        axes.plot(total.index, total[driver], color=colours[team], linestyle="--" if team in seen else "-", linewidth=2)
        seen.add(team)
    ends = [(style.letters_of(facts.loc[d]), float(total[d].iloc[-1])) for d in best]
    style.end_labels(axes, total.index[-1], ends, gap=0.055 * max(height for _, height in ends))
    axes.set(xlabel="round", ylabel="points")
    said = ", ".join(f"{facts.loc[d, 'abbreviation']} {total[d].iloc[-1]:.0f}" for d in best[:5])
    alt = f"Points added up over the season. After {total.index[-1]} rounds: {said}."
    return style.picture(figure, alt, "points-race")


def form(rows: pd.DataFrame) -> Picture:
    """Draw one driver's last races: grid (ring), result (dot), retirement (cross), mean of five.

    Parameters
    ----------
    rows : pandas.DataFrame
        Rows of `explore.driver_form`.

    Returns
    -------
    Picture
        The figure.
    """
    figure, axes = style.new_figure(7.6, 3.4, grid="y")
    colour = next(iter(style.team_colours([str(rows["team_id"].iloc[-1])]).values()))
    x, grid, place = range(len(rows)), rows["grid_position"].astype(float), rows["finishing_position"].astype(float)
    out = ~rows["status"].isin(["finished", "lapped"])
    axes.vlines(x, grid, place, color=FAINT, linewidth=2)
    axes.plot(x, grid, "o", markerfacecolor="none", markeredgecolor=INK, label="grid")
    axes.plot(x, place.where(~out), "o", color=colour, markeredgecolor=INK, label="result")
    axes.plot(x, place.where(out), "X", color=INK, label="not classified")
    axes.plot(x, rows["mean_of_five"], color=colour, linewidth=2.2, label="mean of five")
    _name_races(axes, rows["event_name"])
    axes.set(ylim=(max(20.0, place.max()) + 1, 0), ylabel="place")
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1.0)}
    axes.legend(frameon=False, fontsize=8, ncols=4, labelcolor=INK, **above)
    mean, last = place.mean(), rows["mean_of_five"].iloc[-1]
    name = rows["abbreviation"].iloc[-1]
    alt = f"{name}: the last {len(rows)} races. Mean place {mean:.1f}, of the last five {last:.1f}."
    return style.picture(figure, alt, "form")


def grid_to_result(history: pd.DataFrame) -> Picture:
    """Draw where starters from each grid slot finished at one circuit, as shares of each slot.

    Parameters
    ----------
    history : pandas.DataFrame
        Rows of `explore.circuit_history`.

    Returns
    -------
    Picture
        The figure.
    """
    known = history[history["grid_position"].notna()]
    counts = pd.crosstab(known["grid_position"].astype(int), known["finishing_position"].astype(int))
    shares = counts.div(counts.sum(axis=1), axis=0)
    figure, axes = style.new_figure(5.6, 4.6)
    for slot, row in shares.iterrows():
        for place, share in row.items():
            if share > 0:
                axes.add_patch(_cell(float(str(place)), float(str(slot)), float(share) ** 0.5))
    n = max(counts.index.max(), counts.columns.max()) + 0.5
    ticks = [1, *range(5, int(n) + 1, 5)]
    axes.plot([0.5, n], [0.5, n], color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlim=(0.5, n), ylim=(n, 0.5), xticks=ticks, yticks=ticks, xlabel="result", ylabel="grid slot")
    pole = shares.loc[1].get(1, 0.0) if 1 in shares.index else 0.0
    held = history["event_partition_key"].nunique()
    alt = f"Grid slot against result over {held} races: pole won {pole:.0%} of them."
    return style.picture(figure, alt, "grid-to-result")


def dependence(curves: Mapping[str, pd.DataFrame]) -> Picture:
    """Draw the partial dependence of the score on features, a panel per feature.

    Parameters
    ----------
    curves : mapping of str to pandas.DataFrame
        Feature to its ``value`` and the mean ``predicted_score``; lower is ahead, 0 is the middle of the field.

    Returns
    -------
    Picture
        The figure.
    """
    figure, panels = style.new_panels(curves, 2.7, 2.7, grid="y", sharey=True)
    words = []
    for axes, (name, rows) in zip(panels, curves.items(), strict=True):
        axes.plot(rows["value"], rows["predicted_score"], color=FILL, linewidth=2)
        axes.set_xlabel(name.replace("_", " "), fontsize=9)
        ends = rows["predicted_score"].iloc[[0, -1]].tolist()
        words.append(f"{name}: from {ends[0]:.2f} to {ends[1]:.2f}")
    panels[0].set_ylabel("mean score; lower is ahead")
    return style.picture(figure, f"Partial dependence of the score. {'; '.join(words)}.", "dependence")


def duel(pairs: pd.DataFrame, metric: str) -> Picture:
    """Draw the difference of two models in one metric, second minus first, a bar per race.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Rows of `explore.paired`.
    metric : str
        One of `metrics.METRICS`.

    Returns
    -------
    Picture
        The figure.
    """
    rows = pairs[pairs["metric"] == metric].reset_index(drop=True)
    figure, axes = style.new_figure(7.6, 2.8, grid="y")
    mean = rows["difference"].mean()
    colours = ["#0072b2" if d < 0 else "#d55e00" for d in rows["difference"]]
    axes.bar(range(len(rows)), rows["difference"], color=colours, width=0.7)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(mean, color=INK, linewidth=1.2, linestyle="--")
    _name_races(axes, [EventKey.parse(key).event_name for key in rows["event_partition_key"]])
    axes.set_ylabel(f"{metric}: second - first")
    alt = f"{metric} of the second minus the first over {len(rows)} races: mean {mean:+.3f}."
    return style.picture(figure, alt, "duel")


def _cell(x: float, y: float, strength: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=FILL, alpha=max(0.03, float(strength)), linewidth=0)


def _name_races(axes: Any, names: Iterable[str]) -> None:
    """Write the names of the races below columns 0, 1, 2, ..."""
    short = [name.replace(" Grand Prix", "") for name in names]
    axes.set_xticks(range(len(short)), short, rotation=90, fontsize=8)
