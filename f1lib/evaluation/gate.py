"""Promotion gate: a new model run serves unless it is significantly worse than the champion or a baseline.

>>> consider(store, runs["run_id"].tolist(), as_of, training.rows, True)  # promote or refuse, a row per run

The gate (`judge`) compares the races a run was validated on with the same races of the champion and of the baselines.
A run is refused when its paired mean difference in RPS or in win log-loss exceeds both the one-sided limit of
Student's t at `CHANCE` (2.8 standard errors over five races, 2.1 over 24) and `TRIVIAL` of the opponent's mean: the
first alone would refuse a refit for a negligible difference. A mean Spearman above `metrics.LEAK_SPEARMAN` is refused
as a sign of a leak, and so is a run that learned rain from fewer than `FEWEST_WET_RACES`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from f1lib.domain.moments import format_utc
from f1lib.errors import PromotionRefused
from f1lib.evaluation import backtest
from f1lib.lake import gold_tables
from f1lib.lake.paths import DECISION, run_key
from f1lib.lake.store import ObjectStore, write_json
from f1lib.model import FEWEST_WET_RACES, fit
from f1lib.model.registry import champion, change_champion, metadata
from f1lib.scoring import baselines, metrics

_log = logging.getLogger(__name__)
GATED = ("rps", "win_log_loss")
CHANCE = 1 / 40  # probability of refusing a run for a metric in which it equals its opponent
TRIVIAL = 0.01  # share of the other's mean
FEWEST_COMMON = 4  # races; fewer are not compared
_READ = frozenset({*fit.KEYS, *fit.LABELS, *baselines.SLOT_COLUMNS.values()})  # by the baselines and their scores


@dataclass(frozen=True)
class Verdict:
    """Decision of the gate and the figures it rests on: one comparison per opponent and metric."""

    promoted: bool
    why: str
    comparisons: tuple[dict[str, Any], ...]


def judge(candidate: Mapping[str, Any], opponents: Mapping[str, Sequence[Mapping[str, Any]]]) -> Verdict:
    """Decide on a run from its metadata and the scores of its opponents; pure.

    Rows have ``event_partition_key`` and the metrics; races are paired by the key. ``opponents`` maps a name to its
    rows.
    """
    races = candidate["validation"]
    correlation = sum(r["spearman"] for r in races) / len(races)
    comparisons = tuple(c for name, rows in opponents.items() for c in _compare(races, name, rows))
    if correlation > metrics.LEAK_SPEARMAN:
        why = (
            f"leak alarm: Spearman {correlation:.3f} over {len(races)} races is above {metrics.LEAK_SPEARMAN:.2f}; "
            "a feature has most likely seen the result"
        )
        return Verdict(False, why, comparisons)
    rain = candidate.get("rain", {})
    if rain.get("learned") and rain["wet_races"] < FEWEST_WET_RACES:
        why = (
            f"learned rain from {rain['wet_races']} wet races, fewer than {FEWEST_WET_RACES}: chance looks like weather"
        )
        return Verdict(False, why, comparisons)
    worse = [c for c in comparisons if c["worse"]]
    if worse:
        said = "; ".join(
            f"{c['metric']} {c['ours']:.4f} against {c['theirs']:.4f} of {c['opponent']} "
            f"(worse by {c['difference']:.4f} +- {c['se']:.4f}, {c['races']} races)"
            for c in worse
        )
        return Verdict(False, f"worse beyond noise: {said}", comparisons)
    against = ", ".join(opponents) or "nobody"
    return Verdict(True, f"not worse beyond noise than {against} over {len(races)} races", comparisons)


def _by_hand() -> None:
    """Hold no claim: outside a run there is none."""


def consider(
    store: ObjectStore,
    run_ids: list[str],
    as_of: datetime,
    training: pd.DataFrame,
    promoting: bool,
    hold: Callable[[], None] = _by_hand,
) -> pd.DataFrame:
    """Put each run before the gate; promote it or record why not.

    A refusal is not an error here: the champion goes on serving.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_ids : list of str
        Finished model runs, considered in order.
    as_of : datetime
        Moment of the decision, aware UTC.
    training : pandas.DataFrame
        Rows of the training dataset, whose races the baselines are scored on.
    promoting : bool
        Whether a run serves if the gate allows. Else the gate's word is only returned: `promote` may be asked later.
    hold : callable, optional
        Called before the champion is replaced: raises `AlreadyRunning` when another run has taken over
        (`Workspace.hold`).

    Returns
    -------
    pandas.DataFrame
        One row per run, in the order of ``run_ids``: ``run_id horizon promoted why``.

    Raises
    ------
    BadParameters
        There is no such finished run.
    """
    rows = []
    training = training[[c for c in training.columns if c in _READ]]  # the others would be sorted and copied, too
    for run_id in run_ids:
        document = metadata(store, run_id)
        promoted = promoting
        try:
            if promoting:
                why = promote(store, run_id, as_of, training, hold).why
            else:
                verdict = _verdict(store, document, training)
                why = f"not asked to serve; would {'serve' if verdict.promoted else 'be refused'}: {verdict.why}"
        except PromotionRefused as refusal:
            promoted, why = False, str(refusal)
        rows.append((run_id, document["horizon"], promoted, why))
    return pd.DataFrame(rows, columns=["run_id", "horizon", "promoted", "why"])


def promote(
    store: ObjectStore,
    run_id: str,
    as_of: datetime,
    training: pd.DataFrame | None = None,
    hold: Callable[[], None] = _by_hand,
    *,
    fewer_events: str = "",
) -> Verdict:
    """Let a run serve if the gate allows, and record the decision in ``models/run_id=<run_id>/decision.json``.

    Parameters
    ----------
    store : ObjectStore
        The lake.
    run_id : str
        A finished model run.
    as_of : datetime
        Moment of the decision, aware UTC.
    training : pandas.DataFrame, optional
        The columns of the training dataset that the baselines need (`_training`); read when not given.
    hold : callable, optional
        As in `consider`.
    fewer_events : str, optional
        Why the run was rightly trained on fewer events than the champion; recorded with the decision. Without a reason
        such a run is refused.

    Returns
    -------
    Verdict
        The decision to promote.

    Raises
    ------
    PromotionRefused
        The gate refuses; the message has the figures.
    StorageError
        There is no such finished run.
    """
    document = metadata(store, run_id)
    verdict = _verdict(store, document, _training(store) if training is None else training)
    if lacks := _lacks(store, document):
        verdict = verdict if fewer_events else Verdict(False, lacks, verdict.comparisons)
    record = {"run_id": run_id, "decided": format_utc(as_of), **asdict(verdict)}
    record |= {"fewer_events": fewer_events} if lacks and fewer_events else {}
    write_json(store, run_key(run_id, DECISION), record)
    _log.info("gate: %s %s: %s", run_id, "serves" if verdict.promoted else "is refused", verdict.why)
    if not verdict.promoted:
        raise PromotionRefused(f"{run_id} does not serve: {verdict.why}")
    _make_champion(store, document, as_of, verdict.why, hold)
    return verdict


def _lacks(store: ObjectStore, candidate: Mapping[str, Any]) -> str:
    """Say how many events the candidate was trained on when the champion knew more; empty otherwise."""
    entry = champion(store)["horizons"].get(candidate["horizon"])
    if not entry or entry["run_id"] == candidate["run_id"]:
        return ""
    serving = metadata(store, entry["run_id"])
    for name in ("events", "races"):  # an older run has no events; its races are of its own configuration
        ours, theirs = candidate.get(name, 0), serving.get(name, 0)
        if ours < theirs and (name == "events" or candidate["config_digest"] == serving["config_digest"]):
            return (
                f"trained on {ours} {name}, the champion {entry['run_id']} on {theirs}: nothing may be lost unnoticed; "
                "`f1 doctor` says what is missing, `f1 models promote --fewer-events WHY` records a reason"
            )
    return ""


def _verdict(store: ObjectStore, document: Mapping[str, Any], training: pd.DataFrame) -> Verdict:
    return judge(document, _opponents(store, document, training))


def _training(store: ObjectStore) -> pd.DataFrame:
    """Read what the baselines and their scores need of the training dataset."""
    return gold_tables.read_training_dataset(store, _READ)


def _opponents(
    store: ObjectStore, candidate: Mapping[str, Any], training: pd.DataFrame
) -> dict[str, list[dict[str, Any]]]:
    """Return the champion's and the baselines' scores of the races the candidate was validated on."""
    horizon = candidate["horizon"]
    opponents: dict[str, list[dict[str, Any]]] = {}
    entry = champion(store)["horizons"].get(horizon)
    if entry and entry["run_id"] != candidate["run_id"]:
        opponents["champion"] = list(metadata(store, entry["run_id"])["validation"])
    wanted = {race["event_partition_key"] for race in candidate["validation"]}
    years = training.loc[training["event_partition_key"].isin(wanted), "event_year"]
    for name in baselines.BY_HORIZON[horizon]:
        walked = backtest.walk_baseline(training, name, horizon, int(years.min()), int(years.max()), wanted)
        races = walked.groupby("event_partition_key", sort=False)
        opponents[name] = [{"event_partition_key": key, **metrics.score_race(race)} for key, race in races]
    return opponents


def _compare(
    ours: Sequence[Mapping[str, Any]], opponent: str, theirs: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Compare with one opponent in pairs of races, a row per gated metric; none when too few races are common."""
    from scipy.special import stdtrit

    other = {race["event_partition_key"]: race for race in theirs}
    pairs = [(race, other[race["event_partition_key"]]) for race in ours if race["event_partition_key"] in other]
    if len(pairs) < FEWEST_COMMON:
        return []
    rows = []
    noise = float(stdtrit(len(pairs) - 1, 1 - CHANCE))
    for metric in GATED:
        mine, its = ([race[metric] for race in side] for side in zip(*pairs, strict=True))
        difference, error = metrics.paired_difference(mine, its)
        level = sum(its) / len(its)
        row = {"opponent": opponent, "metric": metric, "races": len(pairs), "ours": sum(mine) / len(mine)}
        worse = difference > noise * error and difference > TRIVIAL * level
        rows.append({**row, "theirs": level, "difference": difference, "se": error, "worse": bool(worse)})
    return rows


def _make_champion(
    store: ObjectStore, document: Mapping[str, Any], as_of: datetime, why: str, hold: Callable[[], None]
) -> None:
    """Write the champion of one horizon; those before it are kept for `registry.rollback`."""
    entry = {"run_id": document["run_id"], "model": document["model"], "since": format_utc(as_of), "why": why}

    def promoted(before: dict[str, Any] | None) -> dict[str, Any]:
        hold()  # here no other run can replace it between this and the write
        previous = [{k: v for k, v in before.items() if k != "previous"}, *before.get("previous", [])] if before else []
        return {**entry, "previous": [p for p in previous if p["run_id"] != document["run_id"]][:20]}

    change_champion(store, document["horizon"], promoted)
