"""One model server: its calls, its columns, and what its answers mean."""
