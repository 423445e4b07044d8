"""What several tests and benchmarks share: models, images, runtimes, and a reader of TFLite files."""
