"""What a served model consists of: its code, its export, and the check of its contents."""
