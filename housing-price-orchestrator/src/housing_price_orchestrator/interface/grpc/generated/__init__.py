"""The Python modules that protoc makes of the contract; see the test that makes them again."""
