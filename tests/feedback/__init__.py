"""The room of feedback."""
