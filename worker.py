"""Celery's door: `celery -A worker worker`."""

from newsletter.workers import create_celery

celery = create_celery()
