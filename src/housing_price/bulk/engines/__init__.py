"""The engines that price the splits of a file: so far the processes of this machine."""
