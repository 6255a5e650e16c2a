"""Draw the architecture on AWS from lambda_runner/template.yaml: ``python .pictures/aws.py docs/aws.svg``.

Boxes are resources of the kinds below, arrows what one of them names: by a reference, or by what its role
may do. A new resource of these kinds shows up by itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
import yaml

matplotlib.use("svg")
import matplotlib.pyplot as plt

TEMPLATE = Path(__file__).resolve().parents[1] / "lambda_runner" / "template.yaml"
# Kind -> (column, what a reader calls it); kinds that are not named are parts of others.
KINDS = {
    "AWS::Scheduler::Schedule": (0, "EventBridge schedule"),
    "AWS::Serverless::StateMachine": (0, "Step Functions"),
    "AWS::Serverless::Function": (1, "Lambda function"),
    "AWS::S3::Bucket": (2, "S3 bucket"),
    "AWS::DynamoDB::Table": (2, "DynamoDB table"),
    "AWS::SecretsManager::Secret": (2, "secret"),
    "AWS::SQS::Queue": (2, "SQS queue"),
    "AWS::CloudFront::Distribution": (3, "CloudFront, optional"),
    "AWS::SNS::Topic": (3, "SNS topic"),
}
WIDTH, HEIGHT, COLUMN, ROW = 2.3, 0.62, 3.6, 1.0


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short intrinsic functions."""


def _function(loader: Any, suffix: str, node: Any) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _function)


def references(value: Any, names: set[str]) -> Iterator[str]:
    """Yield the resources that a property names."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from references(inner, names)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, names)
    elif isinstance(value, str):
        found = {value.partition(".")[0], *re.findall(r"\$\{(\w+)", value)}
        yield from found & names


def graph(template: Path = TEMPLATE) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """Return the boxes, name -> kind, and the arrows between them, straight or by way of a role or policy."""
    resources = yaml.load(template.read_text(encoding="utf-8"), Loader=_Loader)["Resources"]
    boxes = {name: found["Type"] for name, found in resources.items() if found["Type"] in KINDS}
    near = {name: set(references(found.get("Properties"), set(resources))) for name, found in resources.items()}
    for name, found in resources.items():
        if found["Type"] == "AWS::IAM::Policy":  # a policy belongs to its role
            for role in [r for r in near[name] if resources[r]["Type"] == "AWS::IAM::Role"]:
                near[role] |= near[name]
    arrows = set()
    for name in boxes:
        roles = {other for other in near[name] if resources[other]["Type"] == "AWS::IAM::Role"}
        for other in near[name].union(*(near[role] for role in roles)):
            if other in boxes and other != name:
                arrows.add((name, other))
    if any("Alarm" in found["Type"] for found in resources.values()):
        arrows |= {("RunnerFunction", name) for name, kind in boxes.items() if kind == "AWS::SNS::Topic"}
    return boxes, arrows


def draw(target: Path) -> None:
    """Write the picture."""
    boxes, arrows = graph()
    places: dict[str, tuple[float, float]] = {}
    for column in range(1 + max(column for column, _ in KINDS.values())):
        inside = [name for name, kind in boxes.items() if KINDS[kind][0] == column]
        for row, name in enumerate(inside):
            places[name] = (column * COLUMN, (len(inside) - 1) * ROW / 2 - row * ROW)
    figure, axes = plt.subplots(figsize=(11, 5))
    for start, end in sorted(arrows):
        (x0, y0), (x1, y1) = places[start], places[end]
        side = WIDTH / 2 if x1 > x0 else -WIDTH / 2 if x1 < x0 else 0
        arrow = axes.annotate(
            "",
            (x1 - side, y1 if side else y1 + (HEIGHT / 2 if y0 > y1 else -HEIGHT / 2)),
            (x0 + side, y0 if side else y0 - (HEIGHT / 2 if y0 > y1 else -HEIGHT / 2)),
            arrowprops={"arrowstyle": "-|>", "color": "#7a8594", "lw": 1},
            zorder=1,
        )
        arrow.arrow_patch.set_gid(f"{start}-{end}")
    for name, (x, y) in places.items():
        box = plt.Rectangle((x - WIDTH / 2, y - HEIGHT / 2), WIDTH, HEIGHT, fc="#f4f6f9", ec="#3b4a5e", lw=1, zorder=2)
        axes.add_patch(box)
        axes.text(x, y + 0.11, name, ha="center", va="center", zorder=3, fontsize=8.5, weight="bold", color="#1c2733")
        axes.text(x, y - 0.14, KINDS[boxes[name]][1], ha="center", va="center", zorder=3, fontsize=7.5, color="#4a5868")
    axes.set_xlim(-WIDTH / 2 - 0.2, max(x for x, _ in places.values()) + WIDTH / 2 + 0.2)
    axes.set_ylim(min(y for _, y in places.values()) - 0.6, max(y for _, y in places.values()) + 0.6)
    axes.axis("off")
    matplotlib.rcParams.update({"svg.hashsalt": "f1lib", "svg.fonttype": "none"})
    figure.savefig(target, bbox_inches="tight", metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
