"""The upstreams, each turned into the same frames under the same ids; where answers are kept is not their business."""
