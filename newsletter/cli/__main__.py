"""`python -m newsletter.cli`: the command without its installed script."""

from newsletter.cli import main

main()
