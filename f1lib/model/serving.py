"""Serve a model run with ONNX Runtime and settings from JSON; no pickle is loaded.

>>> serving = load_serving(store, run_id)
>>> serving.forecast(features)          # one race: expected positions, probabilities, the position matrix
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from f1lib.domain import points as domain_points
from f1lib.domain.points import RACE_POINTS
from f1lib.errors import StorageError
from f1lib.lake.integrity import verified_run_file
from f1lib.lake.paths import GRAPH, METADATA, SUCCESS, run_key
from f1lib.model import onnx_export, preprocess
from f1lib.scoring import positions
from f1lib.scoring.positions import Shape

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from f1lib.lake.store import ObjectStore


# Features that give the start position, the most reliable first.
STARTS = ("grid_position", "qualifying_position")


@dataclass(frozen=True)
class Serving:
    """A loaded model.

    ``features`` are in the order of the graph's input; ``numbers`` are the settings of the distribution.
    """

    run_id: str
    features: list[str]
    numbers: Mapping[str, Any]
    runtime: Any
    metadata: Mapping[str, Any]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict the latent performance and the hazard of each row.

        Parameters
        ----------
        frame : pd.DataFrame
            Any rows with the model's features.

        Returns
        -------
        pd.DataFrame
            ``predicted_score p_dnf mu sigma``, index of ``frame``. ``mu`` and ``sigma`` are the mean and standard
            deviation of the latent performance of a driver who finishes, in units of the target; smaller is better.

        Raises
        ------
        MissingColumn
            When ``frame`` lacks a feature.
        """
        import pandas as pd

        raw = preprocess.matrix_of(frame, self.features)
        answer = onnx_export.run(self.runtime, raw, ("predicted_score", "p_dnf", "sigma"))
        score = answer["predicted_score"]
        columns = {"predicted_score": score, "p_dnf": answer["p_dnf"], "mu": score, "sigma": answer["sigma"]}
        return pd.DataFrame(columns, index=frame.index)

    def forecast(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predict one race.

        Rows are sorted by ``driver_id`` for the computation, so that the result does not depend on their order.

        Parameters
        ----------
        frame : pd.DataFrame
            Gold rows of one race, one per driver.

        Returns
        -------
        pd.DataFrame
            One row per driver, index of ``frame``; columns of `f1lib.scoring.positions.summarize`.

        Raises
        ------
        MissingColumn
            When ``frame`` lacks a feature.
        """
        race = frame.sort_values("driver_id", kind="stable")
        return self._summary(self.predict(race), RACE_POINTS).loc[frame.index]

    def forecast_session(self, features: pd.DataFrame) -> pd.DataFrame:
        """Predict one race or one sprint; a sprint is a race of a third of the distance (`of_sprint`).

        Parameters
        ----------
        features : pd.DataFrame
            Gold rows of one session, one per driver.

        Returns
        -------
        pd.DataFrame
            As of `forecast`, with the points of the session's scale.

        Raises
        ------
        MissingColumn
            When ``features`` lack a feature of the model.
        """
        first = features.iloc[0]
        if first["session"] != "S":
            return self.forecast(features)
        race = features.sort_values("driver_id", kind="stable")
        points = domain_points.points_scale("S", int(first["event_year"]))
        return self._summary(of_sprint(self.predict(race), race), points).loc[features.index]

    def _summary(self, answer: pd.DataFrame, points: tuple[int, ...]) -> pd.DataFrame:
        shape = Shape(*(float(self.numbers[n]) for n in ("trouble_weight", "trouble_shift", "trouble_spread")))
        matrix = positions.position_matrix(answer["mu"], answer["sigma"], answer["p_dnf"], shape)
        summary = positions.summarize(matrix, answer["predicted_score"], answer["p_dnf"], points)
        return summary.set_index(answer.index)


def start_column(race: pd.DataFrame) -> str:
    """Return the column of `STARTS` that is known of one session.

    Parameters
    ----------
    race : pd.DataFrame
        Gold rows of one race or sprint.

    Returns
    -------
    str
        Empty when none has a value.
    """
    return next((c for c in STARTS if c in race and race[c].notna().any()), "")


def of_sprint(answer: pd.DataFrame, race: pd.DataFrame) -> pd.DataFrame:
    """Convert the prediction of a race to that of a sprint with the same start.

    The hazard is multiplied by `f1lib.scoring.positions.SPRINT_HAZARD`; once a start position is known, the distance of
    the score from the score of the start is multiplied by `f1lib.scoring.positions.SPRINT_MOVES`.

    Parameters
    ----------
    answer : pd.DataFrame
        `Serving.predict` of the rows.
    race : pd.DataFrame
        The gold rows, in the same order.

    Returns
    -------
    pd.DataFrame
        Columns and rows of ``answer``.
    """
    sprint = answer.assign(p_dnf=answer["p_dnf"] * positions.SPRINT_HAZARD)
    column = start_column(race)
    if not column:
        return sprint
    start = positions.start_score(race[column])
    score = start + positions.SPRINT_MOVES * (answer["predicted_score"] - start)
    return sprint.assign(predicted_score=score, mu=score)


def from_graph(
    graph: bytes, features: list[str], numbers: Mapping[str, Any], run_id: str, metadata: Mapping[str, Any]
) -> Serving:
    """Make a model ready to serve from the bytes of its graph.

    Parameters
    ----------
    graph : bytes
        The ONNX graph.
    features : list[str]
        Raw columns in the order of the graph's input.
    numbers : Mapping[str, Any]
        Settings of the distribution, as in `f1lib.model.config.Distribution`.
    run_id : str
        The run, empty for a model that is not stored.
    metadata : Mapping[str, Any]
        The run's metadata.

    Returns
    -------
    Serving
        The loaded model.

    Raises
    ------
    RunError
        When ``graph`` is not a valid model.
    """
    return Serving(run_id, features, numbers, onnx_export.session(graph), metadata)


def load_serving(store: ObjectStore, run_id: str) -> Serving:
    """Load the model of a finished run.

    Raises
    ------
    StorageError
        When the run is absent, was not finished, or a file of it is damaged.
    RunError
        When its graph is not a valid model.
    """
    if not store.exists(run_key(run_id, SUCCESS)):
        raise StorageError(f"lake {store.url} has no finished model run {run_id}: {run_key(run_id, SUCCESS)} is absent")
    metadata = json.loads(verified_run_file(store, run_id, METADATA))
    graph = verified_run_file(store, run_id, GRAPH)
    return from_graph(graph, list(metadata["features"]), metadata["distribution"], run_id, metadata)
