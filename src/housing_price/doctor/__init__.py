"""`housing-price doctor`: checks this machine and the stack."""
