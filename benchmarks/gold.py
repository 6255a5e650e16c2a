"""Gold over 1, 10 or 100 times of today's history, and seven groups of its features against pandas.

    python -m benchmarks.gold LAKE TIMES next|all [sql|pandas]

LAKE gives the simulated seasons that are multiplied (`benchmarks.multiplied`). ``next`` computes the features of the
race to come, as a tick does it, ``all`` those of every past race. With ``sql`` or ``pandas`` only the groups of
`benchmarks.gold_in_pandas`, on one side. Prints JSON: rows, wall and CPU seconds of each round, without reading and
multiplying, and when the rounds began and ended.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter, process_time, time
from typing import Any

import pandas as pd
import pyarrow as pa

from benchmarks import gold_in_pandas
from benchmarks.multiplied import History, multiplied
from f1lib.gold.build import compute
from f1lib.gold.read_silver import read_silver
from f1lib.gold.targets import DTYPES, next_event, past_targets, serving_targets
from f1lib.lake import paths, sql
from f1lib.lake.store import LocalStore

BEFORE = ("regulation_eras", "target", "field")  # who is predicted and when: given to both sides
ROUNDS = 3  # of the shortest
STEPS = ("race_history", "driver_state", "team_state")


def targets(history: History, which: str) -> pd.DataFrame:
    """Every past race and sprint at each horizon, or the race to come at those it has reached."""
    events, sessions, results = (history.silver[name].to_pandas() for name in ("events", "sessions", "results"))
    if which == "all":
        return past_targets(events, sessions, results, history.as_of)
    return serving_targets(events, sessions, next_event(events, history.as_of), "", history.as_of)


def prepared(history: History, wanted: pd.DataFrame) -> Any:
    """A connection in which silver and `BEFORE` stand, set as gold sets it."""
    connection = sql.connect()
    connection.execute("SET threads = 1")
    connection.register("wanted", wanted.astype(DTYPES))
    for name in paths.SILVER_TABLES:
        connection.register(name, history.silver[name])
    for name in BEFORE:
        connection.sql(sql.sql_text(f"gold/steps/{name}")).create(name)
    return connection


def in_sql(connection: Any) -> pd.DataFrame:
    """The groups by gold's own SQL files."""
    for name in STEPS:
        connection.sql(sql.sql_text(f"gold/steps/{name}")).create(name)
    groups = (connection.execute(sql.sql_text(f"gold/features/{group}")).df() for group in gold_in_pandas.GROUPS)
    entries: pd.DataFrame = connection.sql("SELECT entry_id FROM field ORDER BY entry_id").df().set_index("entry_id")
    return entries.join([group.set_index("entry_id") for group in groups])


def in_pandas(history: History, connection: Any) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, pd.DataFrame]:
    """What `gold_in_pandas.features` takes."""
    names = ("events", "results", "starting_grid", "weather_observed")
    frames = {name: history.silver[name].to_pandas() for name in names}
    target, field = (connection.table(name).df() for name in ("target", "field"))
    whole = [name for name in field.columns if field[name].dtype == "int32"]
    return frames, target, field.astype(dict.fromkeys(whole, "int64"))


def main() -> None:
    """Measure one computation."""
    lake, times, which, side = [*sys.argv[1:], ""][:4]
    history = multiplied(read_silver(LocalStore(Path(lake))).tables, int(times))
    wanted = targets(history, which)
    pa.default_memory_pool().release_unused()
    rounds = ROUNDS if int(times) == 1 else 1
    found: dict[str, Any] = {"wall": [], "CPU": [], "began": time()}
    for _ in range(rounds):
        connection = prepared(history, wanted) if side else None
        given = in_pandas(history, connection) if side == "pandas" else None
        wall, cpu = perf_counter(), process_time()
        if given:
            rows = gold_in_pandas.features(*given)
        else:
            rows = in_sql(connection) if side else compute(history.silver, wanted)
        found["wall"].append(perf_counter() - wall)
        found["CPU"].append(process_time() - cpu)
        found["rows"] = len(rows)
    print(json.dumps(found | {"ended": time()}))


if __name__ == "__main__":
    main()
