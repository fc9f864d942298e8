"""Files of jobs that stay where they are: folders of this machine, and stores that fsspec knows."""
