"""The contract: generates `proto/housing/price/v1/price.proto` from the fields of a house."""
