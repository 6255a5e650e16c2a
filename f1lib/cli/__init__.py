"""The command ``f1``: one module a subcommand (door 2)."""
