"""Celery's overhead: publishing a task, and running a `deliver` with nothing to do."""

import time
from contextlib import ExitStack

import redis
from celery import Celery

from bench import installation, machine, postgres, sink
from bench.installation import Broken, Installation
from bench.report import Table, whole
from bench.run_size import Size

QUEUE = "transactional"
PATIENCE = 60.0  # seconds until all tasks have run
HEADS = ("tasks", "publish ms", "tasks/s run", "product's CPU ms", "Redis' CPU ms", "PostgreSQL's CPU ms")


def task(size: Size) -> list[Table]:
    """Publish many tasks on an otherwise idle installation, and wait until they have run."""
    table = Table("A Celery task (an empty deliver)", HEADS)
    with ExitStack() as stack:
        server = stack.enter_context(postgres.server())
        target = stack.enter_context(sink.running())
        product = stack.enter_context(installation.running(target.port, server.url))
        _all_run(product, 50)
        before, begun = machine.cpu(product.supervisor, server.process), time.perf_counter()
        publishing = _all_run(product, size.tasks)
        seconds = time.perf_counter() - begun
        used = machine.cpu(product.supervisor, server.process) - before
    each = [f"{part / size.tasks * 1000:.2f}" for part in (used.product, used.redis, used.postgres)]
    table.rows.append([whole(size.tasks), f"{publishing * 1000:.2f}", whole(size.tasks / seconds), *each])
    table.notes.append("Two worker processes, beside the publisher on the same machine; the ledger is empty.")
    return [table]


def _all_run(product: Installation, count: int) -> float:
    """Publish tasks and wait until the queue is empty; returns the seconds to publish one."""
    url = (product.data / "redis" / "url").read_text().strip()
    with Celery(broker=url) as celery, redis.Redis.from_url(url) as broker:
        begun = time.perf_counter()
        for _ in range(count):
            celery.send_task("deliver", (QUEUE,), queue=QUEUE, ignore_result=True)
        each = (time.perf_counter() - begun) / count
        until = time.monotonic() + PATIENCE
        while broker.llen(QUEUE) or broker.hlen("unacked"):
            if time.monotonic() > until:
                raise Broken(f"the tasks were not run.\n{product.logs()}")
            time.sleep(0.005)
    return each
