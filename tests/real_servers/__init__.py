"""Tests of real servers, in an environment of their own: `make test-servers`."""
