"""Two pipelines on one network: `bikes` and `sentiment`, and what both need in `common`."""
