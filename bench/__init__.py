"""The benchmark: measures the whole program from outside, compared with Postfix's smtp-source."""
