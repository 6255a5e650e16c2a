"""A small interpreter of the Amazon States Language: as much of it as our two state machines use.

moto's own interpreter runs the same definitions in the tests, but knows no tolerated failure share and waits for
real between tries. Here a virtual clock counts the waits. Semantics: states-language.net, and the Step Functions
guide for Distributed Map.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Function = Callable[[dict[str, Any]], Any]


class TaskFailed(Exception):
    """A task or map raised ``name``."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name


@dataclass
class Machine:
    """One state machine: its ``definition``, the Lambda ``function``, what S3 holds, and what was seen."""

    definition: dict[str, Any]
    function: Function
    objects: dict[str, bytes] = field(default_factory=dict)
    visited: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    widths: dict[str, tuple[int, int]] = field(default_factory=dict)
    failed_items: list[Any] = field(default_factory=list)

    def run(self, given: Any) -> Any:
        """The output of an execution; raises `TaskFailed` when it fails."""
        return self._run(self.definition, given, {})

    def _run(self, machine: dict[str, Any], given: Any, context: dict[str, Any]) -> Any:
        name, data = machine["StartAt"], given
        while True:
            state = machine["States"][name]
            self.visited.append(name)
            name_next, data = self._state(name, state, data, context)
            if name_next is None:
                return data
            name = name_next

    def _state(self, name: str, state: dict[str, Any], data: Any, context: dict[str, Any]) -> tuple[str | None, Any]:
        if state["Type"] == "Choice":
            chosen = next((c["Next"] for c in state["Choices"] if _is_true(c, data, context)), state["Default"])
            return chosen, data
        if state["Type"] == "Wait":
            self.waits.append(state["Seconds"])
            return state["Next"], data
        if state["Type"] == "Succeed":
            return None, data
        if state["Type"] == "Pass":
            return state["Next"], path(state["OutputPath"], fill(state["Parameters"], data, context), context)
        work = self._task if state["Type"] == "Task" else self._map
        result = self._retried(state, lambda: work(name, state, data, context))
        if "ResultSelector" in state:
            result = fill(state["ResultSelector"], result, context)
        if state.get("ResultPath", "$") is None:
            result = data
        return (None if state.get("End") else state["Next"]), result

    def _retried(self, state: dict[str, Any], work: Callable[[], Any]) -> Any:
        tries: dict[int, int] = {}
        while True:
            try:
                return work()
            except TaskFailed as error:
                rules = enumerate(state.get("Retry", []))
                found = next((n for n, rule in rules if {error.name, "States.ALL"} & set(rule["ErrorEquals"])), None)
                if found is None or tries.get(found, 0) >= state["Retry"][found].get("MaxAttempts", 3):
                    raise
                rule = state["Retry"][found]
                wait = rule.get("IntervalSeconds", 1) * rule.get("BackoffRate", 2.0) ** tries.get(found, 0)
                self.waits.append(min(wait, rule.get("MaxDelaySeconds", wait)))
                tries[found] = tries.get(found, 0) + 1

    def _task(self, name: str, state: dict[str, Any], data: Any, context: dict[str, Any]) -> Any:
        assert state["Resource"] == "arn:aws:states:::lambda:invoke"
        payload = fill(state["Parameters"], data, context)["Payload"]
        try:
            answer = self.function(deepcopy(payload))
        except Exception as error:
            raise TaskFailed(type(error).__name__, str(error)) from error
        return {"StatusCode": 200, "Payload": json.loads(json.dumps(answer))}

    def _map(self, name: str, state: dict[str, Any], data: Any, context: dict[str, Any]) -> Any:
        if "ItemReader" in state:
            items = json.loads(self.objects[fill(state["ItemReader"]["Parameters"], data, context)["Key"]])
        else:
            items = path(state.get("ItemsPath", "$"), data, context)
        width = path(state["MaxConcurrencyPath"], data, context) if "MaxConcurrencyPath" in state else 0
        self.widths[name] = (width or state.get("MaxConcurrency", 0), len(items))
        results, failures = [], []
        for index, item in enumerate(items):
            inside = {**context, "Map": {"Item": {"Index": index, "Value": item}}}
            given = fill(state["ItemSelector"], data, inside) if "ItemSelector" in state else item
            try:
                results.append(self._run(state["ItemProcessor"], given, inside))
            except TaskFailed as error:
                failures.append(error)
                self.failed_items.append(item)
        if len(failures) * 100 > state.get("ToleratedFailurePercentage", 0) * len(items):
            raise TaskFailed("States.ExceedToleratedFailureThreshold", f"{len(failures)} of {len(items)} items failed")
        return results


def _is_true(rule: dict[str, Any], data: Any, context: dict[str, Any]) -> bool:
    if "And" in rule:
        return all(_is_true(inner, data, context) for inner in rule["And"])
    (wanted,) = [rule[name] for name in ("NumericEquals", "BooleanEquals") if name in rule]
    found = path(rule["Variable"], data, context)
    return type(found) is type(wanted) and bool(found == wanted)


def path(expression: str, data: Any, context: dict[str, Any]) -> Any:
    """``$.a.b`` in the data, ``$$.Map.Item.Value`` in the context, or defaults with the data over them."""
    if merged := re.fullmatch(r"States\.JsonMerge\(States\.StringToJson\('(.+)'\), \$, false\)", expression):
        return {**json.loads(merged[1]), **data}
    found = context if expression.startswith("$$") else data
    for name in expression.lstrip("$").strip(".").split("."):
        found = found[name] if name else found
    return found


def fill(template: Any, data: Any, context: dict[str, Any]) -> Any:
    """A payload template with every ``"name.$": "$.path"`` filled in."""
    if isinstance(template, list):
        return [fill(element, data, context) for element in template]
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): path(value, data, context) if name.endswith(".$") else fill(value, data, context)
        for name, value in template.items()
    }
