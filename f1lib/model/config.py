"""Model configurations: one YAML file each in ``parameters/models``, validated by pydantic; unknown keys are refused.

>>> config = load_config("blend_v2")
>>> config.linear.ridge, config.distribution.sigma

The score of a configuration is the weighted sum of ``linear`` (ridge regression) and ``trees`` (XGBoost). ``fresh``, a
second ridge regression, replaces them for drivers without form. ``correction`` adds what columns that only some races
have say beyond all of these. ``dnf`` is a logistic hazard of not being classified.
The whole model is exported as one ONNX graph.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ImportString,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from f1lib.domain.weekend import HORIZONS
from f1lib.errors import BadParameters
from f1lib.lake import fingerprint
from f1lib.lake.documents import from_yaml
from f1lib.model import FEWEST_WET_RACES
from f1lib.workspace.project import project_folder

if TYPE_CHECKING:
    from f1lib.scoring.positions import Shape

ALL = "all"
# The second column each derivation reads.
COMPANION = {
    "place_score": "field_size",
    "place_score_squared": "field_size",
    "place_score_cubed": "field_size",
    "is_first": "field_size",
    "faded": "form_current_era_share",
    "when_wet": "weather_is_wet",
}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Derived(_Strict):
    """A column computed from one raw feature, row by row, inside the graph.

    ``place_score`` is the logit of (place - 0.5) / field_size, clipped to [0.01, 0.99]; ``place_score_squared`` and
    ``place_score_cubed`` are its powers; ``is_first`` is 1 for place 1. ``faded`` is the feature times the share of
    form earned under the present regulations: results under earlier rules carry less information about the new car, and
    the weight of form grows with each race. (A factor common to all drivers does not change the order.) ``when_wet`` is
    the feature where rain is forecast, else 0.
    """

    source: str
    how: Literal["place_score", "place_score_squared", "place_score_cubed", "is_first", "faded", "when_wet"]


class Linear(_Strict):
    """Ridge regression on the scaled columns; ``ridge`` acts as that many rows of prior at zero."""

    columns: list[str]
    ridge: float = Field(gt=0)
    weight: float = Field(gt=0, le=1)


class Trees(_Strict):
    """XGBoost regression (``reg:squarederror``, ``hist``) on all raw columns, imputed, capped and scaled."""

    columns: list[str] | Literal["all"]
    weight: float = Field(gt=0, le=1)
    n_estimators: int = Field(ge=1, le=5000)
    max_depth: int = Field(ge=1, le=12)
    learning_rate: float = Field(gt=0, le=1)
    subsample: float = Field(gt=0, le=1)
    colsample_bytree: float = Field(gt=0, le=1)
    min_child_weight: float = Field(default=1.0, ge=0)
    max_bin: int = Field(default=256, ge=16, le=256)
    reg_lambda: float = Field(default=1.0, ge=0)


class Own(_Strict):
    """An estimator of one's own, named by its class, with ``fit(X, y)`` and ``predict(X)`` as scikit-learn's have.

    It learns the target from the columns as trees do, with the weights of the rows if ``fit`` takes ``sample_weight``;
    ``settings`` are the arguments it is made with.
    """

    estimator: ImportString[Any]
    columns: list[str] | Literal["all"]
    weight: float = Field(gt=0, le=1)
    settings: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_be_made(self) -> Own:
        try:
            made = self.estimator(**self.settings)
        except TypeError as error:
            raise ValueError(f"{self.estimator} cannot be made of its settings: {error}") from error
        if not (hasattr(made, "fit") and hasattr(made, "predict")):
            raise ValueError(f"{self.estimator} needs the methods fit(X, y) and predict(X)")
        return self


class Dnf(_Strict):
    """Logistic regression of not being classified on driver, car, circuit and field."""

    columns: list[str]
    ridge: float = Field(gt=0)


class Fresh(_Strict):
    """A second ridge regression, without form, for drivers with little form under the present regulations.

    ``share`` is a raw column within [0, 1]: the share of a driver's form earned under the present regulations. The
    score is share times that of the other parts plus (1 - share) times this one; a missing share counts as 0. The part
    is left out at horizons where ``needs`` is not known: before practice no other feature can replace form.
    """

    share: str
    needs: str
    columns: list[str]
    ridge: float = Field(gt=0)


class Correction(_Strict):
    """Ridge regression of what the score leaves over, on rows where one of its columns is known; added to the score.

    ``columns`` are raw features that are 0 for a driver of whom they say nothing, each with the coefficient that
    ``ridge`` rows of prior stand for: with no history of them it is that. A missing value adds nothing, and the other
    parts never read these columns: a race of which none is known has the very forecast of a model without the
    correction. The part is left out at horizons where the raw column ``needs`` is not known, or ``until`` is.
    """

    columns: dict[str, float] = Field(min_length=1)
    ridge: float = Field(gt=0)
    needs: str
    until: str


class Uncertainty(_Strict):
    """A gold column that holds a standard deviation, and the weight of the quantity it belongs to in the score."""

    column: str
    weight: float = Field(gt=0)


class Distribution(_Strict):
    """Parameters that turn scores into a position matrix (`f1lib.scoring.positions`); ``sigma`` in units of the target.

    With ``uncertainty`` the variance of a driver is sigma squared plus (weight times the column) squared: it is larger
    for new drivers, and for all drivers under new regulations.
    """

    sigma: float = Field(gt=0)
    uncertainty: Uncertainty | None = None
    trouble_weight: float = Field(default=0.0, ge=0, lt=1)
    trouble_shift: float = 0.0
    trouble_spread: float = Field(default=1.0, gt=0)

    def shape(self) -> Shape:
        """Return the shape of the latent for `f1lib.scoring.positions.position_matrix`."""
        from f1lib.scoring.positions import Shape  # numpy, 12 MB that a tick's own process does without

        return Shape(self.trouble_weight, self.trouble_shift, self.trouble_spread)


class Rain(_Strict):
    """Rain as a mixture of a wet and a dry race (`f1lib.scoring.rain`), learned from past races (`f1lib.model.rain`).

    ``fewest_wet_races``: with fewer the model learns nothing of rain. ``prior_races``: as many wet races without any
    effect are added to those that were. ``forecast_races``: as many forecasts that were right.
    """

    prior_races: float = Field(default=5.0, gt=0)
    forecast_races: float = Field(default=20.0, gt=0)
    fewest_wet_races: int = Field(default=FEWEST_WET_RACES, ge=2)


class ModelConfig(_Strict):
    """One model configuration.

    ``target``: ``finish_score`` is the normal score of the place among the classified (rows of retirements are used by
    the hazard only); ``finishing_position`` is the official position of every entrant. ``half_life_races``: the number
    of races after which the weight of a race in training is halved; 0 gives all races the same weight.
    """

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    description: str
    target: Literal["finish_score", "finishing_position"]
    horizons: list[str]
    half_life_races: float = Field(ge=0)
    derived: dict[str, Derived] = Field(default_factory=dict)
    linear: Linear | None = None
    trees: Trees | None = None
    own: Own | None = None
    fresh: Fresh | None = None
    correction: Correction | None = None
    dnf: Dnf
    distribution: Distribution
    rain: Rain | None = None
    validation_races: int = Field(default=24, ge=4)
    seed: int = 7

    @model_validator(mode="after")
    def _adds_up(self) -> ModelConfig:
        unknown = [h for h in self.horizons if h not in HORIZONS]
        if unknown or not self.horizons:
            raise ValueError(f"horizons {self.horizons} must be some of {', '.join(HORIZONS)}")
        weights = sum(part.weight for part in (self.linear, self.trees, self.own) if part)
        if abs(weights - 1) > 1e-9:
            raise ValueError(f"the weights of linear, trees and own sum to {weights}, not to 1")
        others = [part.columns for part in (self.linear, self.trees, self.own, self.fresh, self.dnf) if part]
        shared = {c for c in (self.correction.columns if self.correction else []) for o in others if o == ALL or c in o}
        if shared:
            raise ValueError(
                f"only the correction may read its columns; another part reads {', '.join(sorted(shared))}"
            )
        return self

    def horizons_of(self, horizon: str = "") -> list[str]:
        """List the horizons to train: ``horizon``, or all, the earliest first; `BadParameters` for a strange one."""
        if horizon and horizon not in self.horizons:
            raise BadParameters(f"{self.name} has no horizon {horizon!r}; it has {', '.join(self.horizons)}")
        return [h for h in HORIZONS if h in ([horizon] if horizon else self.horizons)]

    @model_serializer(mode="wrap")
    def _as_before(self, serialized: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out parts that came later when there are none: a digest is the one it was before their keys existed."""
        later = ("own", "correction", "rain")
        return {key: value for key, value in serialized(self).items() if key not in later or value}

    def digest(self) -> str:
        """Return the SHA-256 of the settings; runs with the same digest were trained with the same settings."""
        return fingerprint.of_json(self.model_dump(mode="json"))

    def raw_columns(self, available: list[str]) -> list[str]:
        """List the gold columns the configuration reads, in the order of ``available``, those known at a horizon."""
        wanted: set[str] = set(self.dnf.columns)
        if self.distribution.uncertainty:
            wanted.add(self.distribution.uncertainty.column)
        wanted |= set(self.linear.columns) if self.linear else set()
        wanted |= {self.fresh.share, self.fresh.needs, *self.fresh.columns} if self.fresh else set()
        wanted |= set(self.correction.columns) if self.correction else set()
        for part in (self.trees, self.own):
            wanted |= set(available if part.columns == ALL else part.columns) if part else set()
        for name in [n for n in wanted if n in self.derived]:
            wanted.discard(name)
            wanted |= {self.derived[name].source, COMPANION[self.derived[name].how]}
        return [c for c in available if c in wanted]


def folder() -> Path:
    """Return the project's ``parameters/models``."""
    return project_folder() / "parameters" / "models"


def config_names() -> list[str]:
    """List the names of the configurations, sorted."""
    return sorted(path.stem for path in folder().glob("*.yml"))


def load_config(name: str) -> ModelConfig:
    """Load the configuration ``parameters/models/<name>.yml``.

    Raises
    ------
    BadParameters
        When there is no such file, a key is unknown, or a value is invalid.
    """
    path = folder() / f"{name}.yml"
    if name not in config_names():
        raise BadParameters(
            f"no model configuration {ascii(name)[:60]} in parameters/models; there are {', '.join(config_names())}"
        )
    return parse_config(path.read_text(encoding="utf-8"), str(path.name))


def parse_config(text: str, where: str) -> ModelConfig:
    """Parse a configuration from YAML ``text``; ``where`` names it in the `BadParameters` of an invalid one."""
    try:
        document = from_yaml(text)
    except ValueError as error:
        raise BadParameters(f"model configuration {where} is no YAML: {error}") from error
    try:
        return ModelConfig.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise BadParameters(f"model configuration {where}: {place}: {first['msg']}") from error
