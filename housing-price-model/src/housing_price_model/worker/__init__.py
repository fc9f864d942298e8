"""The training worker: runs the steps of `candidate/` as durable DBOS workflows (`docs/jobs.md`)."""
