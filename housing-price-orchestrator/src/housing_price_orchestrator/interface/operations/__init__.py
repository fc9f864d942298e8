"""The operations: each endpoint reads, asks one service and answers."""
