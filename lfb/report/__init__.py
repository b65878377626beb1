"""The report: one HTML page of what the models reached and what they saw."""
