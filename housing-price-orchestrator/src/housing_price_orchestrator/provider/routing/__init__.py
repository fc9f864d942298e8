"""Several versions of a model beside each other: who answers for whom, and when one is stopped."""
