"""The engines that price the splits of a file: the processes of this machine, or a Spark cluster."""
