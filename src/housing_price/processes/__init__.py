"""Child processes and their output: starts, supervises and ends the programs of the services, and reserves ports."""
