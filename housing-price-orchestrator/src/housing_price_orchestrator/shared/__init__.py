"""What all layers share: JSON documents, ports and errors."""
