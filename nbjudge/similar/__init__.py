"""Find answers that read alike, and show them side by side. It imports `pages` and below."""
