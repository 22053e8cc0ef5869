"""The benchmark: what the whole product does, measured from outside, beside Postfix's smtp-source."""
