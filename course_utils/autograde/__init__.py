"""Everything between a submission and its marks. Knows no exercise by name."""
