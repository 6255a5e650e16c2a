"""The orchestrator: what is due, the tick that does it, the execution of notebooks, the replay of a season."""
