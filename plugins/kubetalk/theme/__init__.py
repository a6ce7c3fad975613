"""Templates, texts of the interface and assets: package data, no code."""
