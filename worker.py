"""Celery's door: `celery -A worker worker`."""

from newsletter.app import create_celery

celery = create_celery()
