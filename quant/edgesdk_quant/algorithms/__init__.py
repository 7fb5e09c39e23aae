"""Algorithms that make the quantized weights better, one a file."""
