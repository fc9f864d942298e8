"""The vocabulary that all layers speak: JSON documents, ports, errors."""
