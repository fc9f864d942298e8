"""The gRPC interface: `housing.price.v1.PriceService`, over the same services and errors as HTTP."""
