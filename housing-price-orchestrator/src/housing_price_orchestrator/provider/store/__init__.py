"""The SQL database of the prediction log: prices that were answered, and actual sale prices."""
