"""What several tests need: golden files, whole sites in a temporary folder, a browser without network."""
