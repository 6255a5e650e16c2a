"""Object store, keys, cache, and the contracts of tables and features."""
