"""Backups of the state folder: written while the stack runs, checked when they are restored."""
