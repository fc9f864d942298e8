"""The worker that does training jobs: the steps of `candidate/` as durable workflows of DBOS (`docs/jobs.md`)."""
