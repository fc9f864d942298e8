"""Has the world moved away from what the model was trained on? Compares the prediction log with the model's profile."""
