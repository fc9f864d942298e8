"""What a shadow said, compared with what was answered to the same requests."""
