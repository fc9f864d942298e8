"""The scoring worker: prices uploaded and stored files of houses as durable jobs."""
