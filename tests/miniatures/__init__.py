"""Small servers on loopback, right ones and deliberately wrong ones, that make every check pass once and fail once."""
