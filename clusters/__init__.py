"""Where traffic runs: providers, components, images, add-ons and controllers. Knows nothing above it."""
