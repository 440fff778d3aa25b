"""The one place that speaks SQL: what is kept, and how it is found again."""
