"""Serve a model run with ONNX Runtime and settings from JSON; no pickle is loaded.

>>> serving = load_serving(store, run_id)
>>> serving.forecast(features)          # one race: expected positions, probabilities, the position matrix
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from f1lib.domain import points as domain_points
from f1lib.domain.points import RACE_POINTS
from f1lib.errors import MissingColumn, RunError, StorageError
from f1lib.lake.integrity import verified_run_file
from f1lib.lake.paths import GRAPH, METADATA, SUCCESS, run_key
from f1lib.lake.store import ObjectStore
from f1lib.scoring import duels, positions
from f1lib.scoring.positions import Shape
from f1lib.scoring.rain import Rain

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Single = NDArray[np.float32]
    Floats = NDArray[np.float64]
    Said = pd.DataFrame | Mapping[str, Floats]

INPUT = "features"  # name of the graph's input
FORECAST = "weather_precipitation_probability_pct"  # the feature that says how likely rain is
# Features that give the start position, the most reliable first.
STARTS = ("grid_position", "qualifying_position")


@dataclass(frozen=True)
class Serving:
    """A model ready to predict.

    ``features`` are in the order of the graph's input; ``numbers`` are the settings of the distribution; ``answer``
    maps the features' matrix to the graph's outputs (`open_graph`).
    """

    run_id: str
    features: list[str]
    numbers: Mapping[str, Any]
    answer: Callable[[Single], dict[str, Floats]]
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

        return pd.DataFrame(self._said(frame), index=frame.index)

    def _said(self, frame: pd.DataFrame) -> dict[str, Floats]:
        answer = self.answer(matrix_of(frame, self.features))
        score = answer["predicted_score"]
        return {"predicted_score": score, "p_dnf": answer["p_dnf"], "mu": score, "sigma": answer["sigma"]}

    @property
    def rain(self) -> Rain | None:
        """What the model has learned of rain, if anything."""
        return Rain.of(self.numbers["rain"]) if "rain" in self.numbers else None

    def supposing_rain(self, chance: float) -> Serving:
        """Return the model with the chance of a wet race given, whatever the forecast; it must have learned of rain."""
        return replace(self, numbers={**self.numbers, "rain": {**self.numbers["rain"], "supposed": chance}})

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
        race = _by_driver(frame)
        found = self.summary(self._said(race), race)
        return found if race is frame else found.loc[frame.index]

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
        race = _by_driver(features)
        points = domain_points.points_scale(str(race["session"].iloc[0]), int(race["event_year"].iloc[0]))
        found = self.summary(self._of_session(race), race, points)
        return found if race is features else found.loc[features.index]

    def latent(self, race: pd.DataFrame) -> pd.DataFrame:
        """Predict the latent performances of one race or one sprint.

        Parameters
        ----------
        race : pd.DataFrame
            Gold rows of one session, one per driver.

        Returns
        -------
        pd.DataFrame
            As of `predict`, of a sprint after `of_sprint`.

        Raises
        ------
        MissingColumn
            When ``race`` lacks a feature.
        """
        import pandas as pd

        return pd.DataFrame(self._of_session(race), index=race.index)

    def _of_session(self, race: pd.DataFrame) -> dict[str, Floats]:
        answer = self._said(race)
        return of_sprint(answer, race) if race["session"].iloc[0] == "S" else answer

    def summary(self, answer: Said, race: pd.DataFrame, points: tuple[int, ...] = RACE_POINTS) -> pd.DataFrame:
        """Turn the predictions of one race's drivers into probabilities.

        Parameters
        ----------
        answer : pd.DataFrame or mapping of arrays
            `predict` of the rows.
        race : pd.DataFrame
            The rows, in the same order; the forecast of rain is read.
        points : tuple[int, ...], optional
            The scale of points.

        Returns
        -------
        pd.DataFrame
            One row per driver, index of ``race``; columns of `f1lib.scoring.positions.summarize`, and ``p_rain``: the
            chance of a wet race, NaN when no forecast is known or the model has learned nothing of rain.
        """
        matrix, out, chance = self._over_weather(answer, race, positions.position_matrix)
        return positions.summarize(matrix, answer["predicted_score"], out, points, race.index, p_rain=chance)

    def chance_of_rain(self, race: pd.DataFrame) -> float:
        """Return the chance that a race is wet.

        Parameters
        ----------
        race : pd.DataFrame
            Gold rows of one session.

        Returns
        -------
        float
            NaN when no forecast is known or the model has learned nothing of rain.
        """
        rain = self.rain
        if not rain:
            return float("nan")
        if FORECAST not in race:
            raise MissingColumn(f"features: no column {FORECAST}, which the model reads")
        return float(rain.chance(race[FORECAST].to_numpy(dtype="float32", na_value=np.nan)[0]))

    def weathers(self, race: pd.DataFrame) -> tuple[tuple[float, float, float], ...]:
        """Return the weathers a race may have: the chance of each, its factor on sigma and its factor on the hazard.

        Parameters
        ----------
        race : pd.DataFrame
            Gold rows of one session.

        Returns
        -------
        tuple
            Dry and wet; one that changes nothing when the chance of rain is not known.
        """
        rain, chance = self.rain, self.chance_of_rain(race)
        if not rain or chance != chance:
            return ((1.0, 1.0, 1.0),)
        dry, wet = rain.factors()
        return ((1 - chance, *dry), (chance, *wet))

    def _over_weather(
        self, answer: Said, race: pd.DataFrame, matrix: Callable[..., Floats]
    ) -> tuple[Floats, Floats, float]:
        """Average ``matrix`` of the latent race over the weather; return it with the hazards and the chance of rain.

        Missing is not dry: without a forecast it is the race of a model that knows nothing of the weather.
        """
        mu, sigma, out = (np.asarray(answer[name]) for name in ("mu", "sigma", "p_dnf"))
        rain, chance = self.rain, self.chance_of_rain(race)
        if rain and chance == chance:
            return *rain.mixture(mu, sigma, out, self.shape, chance, matrix), chance
        return matrix(mu, sigma, out, self.shape), out, chance

    @property
    def shape(self) -> Shape:
        """The shape of the latents beside mu and sigma."""
        return Shape(*(float(self.numbers[n]) for n in ("trouble_weight", "trouble_shift", "trouble_spread")))

    def ahead(self, race: pd.DataFrame) -> Floats:
        """Compute who finishes ahead of whom.

        Parameters
        ----------
        race : pd.DataFrame
            Gold rows of one session, one per driver.

        Returns
        -------
        NDArray[np.float64]
            [i, j]: P(row i is ahead of row j); see `f1lib.scoring.duels.ahead`.
        """
        return self._over_weather(self._of_session(race), race, duels.ahead)[0]


def _by_driver(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows sorted by driver, those of gold as they are."""
    drivers = rows["driver_id"].tolist()
    return rows if drivers == sorted(drivers) else rows.sort_values("driver_id", kind="stable")


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


def of_sprint(answer: Mapping[str, Floats], race: pd.DataFrame) -> dict[str, Floats]:
    """Convert the prediction of a race to that of a sprint with the same start.

    The hazard is multiplied by `f1lib.scoring.positions.SPRINT_HAZARD`; once a start position is known, the distance of
    the score from the score of the start is multiplied by `f1lib.scoring.positions.SPRINT_MOVES`.

    Parameters
    ----------
    answer : Mapping[str, NDArray[np.float64]]
        The columns of `Serving.predict` of the rows.
    race : pd.DataFrame
        The gold rows, in the same order.

    Returns
    -------
    dict[str, NDArray[np.float64]]
        The columns of ``answer``.
    """
    sprint = {**answer, "p_dnf": answer["p_dnf"] * positions.SPRINT_HAZARD}
    column = start_column(race)
    if not column:
        return sprint
    start = positions.start_score(race[column])
    score = start + positions.SPRINT_MOVES * (answer["predicted_score"] - start)
    return {**sprint, "predicted_score": score, "mu": score}


def open_graph(graph: bytes) -> Callable[[Single], dict[str, Floats]]:
    """Open a model's graph in ONNX Runtime, on one thread of the CPU.

    Returns
    -------
    Callable
        Maps [rows, raw columns] in float32, NaN for missing, to the outputs (`by_name`).

    Raises
    ------
    RunError
        When the bytes are not a valid model.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        runtime = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a different class for each kind of invalid file
        raise RunError(f"the model's ONNX file cannot be loaded: {str(error).splitlines()[0]}") from error
    names = [output.name for output in runtime.get_outputs()]

    def answer(raw: Single) -> dict[str, Floats]:
        return by_name(dict(zip(names, runtime.run(names, {INPUT: np.ascontiguousarray(raw)}), strict=True)))

    return answer


def by_name(outputs: Mapping[str, Any]) -> dict[str, Floats]:
    """Return the outputs of a graph: one number a row in double precision, and the matrix ``columns``."""
    return {n: m if n == "columns" else np.asarray(m[:, 0], dtype="float64") for n, m in outputs.items()}


def matrix_of(frame: pd.DataFrame, raw: list[str]) -> Single:
    """Convert the raw columns of a frame to a float32 matrix.

    Parameters
    ----------
    frame : pd.DataFrame
        Any rows with the columns ``raw``.
    raw : list[str]
        Columns, in the order of the matrix.

    Returns
    -------
    NDArray[np.float32]
        [rows, raw columns], NaN for missing.

    Raises
    ------
    MissingColumn
        When ``frame`` lacks a column; the message names those absent.
    """
    places = {c: place for place, c in enumerate(frame.columns)}
    absent = [c for c in raw if c not in places]
    if absent:
        raise MissingColumn(f"features: no column {', '.join(absent)}; the model needs {len(raw)} columns")
    return frame.take([places[c] for c in raw], axis=1).to_numpy(dtype="float32", na_value=np.nan)


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
    return Serving(run_id, list(metadata["features"]), metadata["distribution"], open_graph(graph), metadata)
