"""What the parts of the product have in common: the supervisor imports it, and they are forks of it.

No setting is read here, and nothing connects. What is missing costs memory, not correctness.
"""
# ruff: noqa: F401

import gc
import sys

import celery.apps.beat
import celery.apps.worker
import celery.backends.base
import celery.bin.celery
import celery.concurrency.prefork
import celery.fixups.django
import granian.cli
import granian.server.mp
import jinja2.ext
import kombu.transport.redis
import psycopg
import sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite
from sqlalchemy.orm import configure_mappers

import newsletter.app
import newsletter.mailbox
import newsletter.workers
from newsletter.languages import SOURCE
from newsletter.mail.render import environment
from newsletter.settings import ROOT

if sys.platform == "linux":
    import valkey  # the limits of the site's forms look for it, where it is there


def freeze() -> None:
    """Before the first fork: what every process would do for itself, and the collector told that all of this stays.

    It does not touch what is frozen, so the pages remain shared.
    """
    configure_mappers()
    environment.warm(ROOT / "templates" / "email")
    SOURCE.direction  # noqa: B018 - Babel reads the language's file
    gc.collect()
    gc.freeze()
