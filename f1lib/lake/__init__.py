"""The object store, every key of the lake, and the contracts of its tables and features."""
