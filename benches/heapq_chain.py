#!/usr/bin/env python3
"""The key-rate chain on bare heapq: the measure that `cargo run --release --example peer_chains` compares with.

N nodes in a line. Each link makes one 256-bit block per ms, one event each. Requests for 256-bit keys between the
ends come as a Poisson process of 100 per second. A key takes one block of each hop, first come first served, and
0.25 ms per hop. 30 s. No messages, no reports, no routing: only what an event list needs.

usage: heapq_chain.py N [N ...]
Prints for each N: N, CPU seconds, events, requests, delivered, mean latency in ns.
"""

import heapq
import random
import sys
import time
from collections import deque

BLOCK, REQUEST, HOP = 0, 1, 2
PERIOD_NS = 1_000_000
HOP_NS = 250_000
END_NS = 30_000_000_000
REQUESTS_PER_NS = 100 / 1e9


def chain(nodes, seed=1):
    links = nodes - 1
    random_time = random.Random(seed).expovariate
    push, pop = heapq.heappush, heapq.heappop
    stored = [0] * links
    waiting = [deque() for _ in range(links)]
    # (time, sequence, kind, link, time at which the request was sent)
    queue = [(PERIOD_NS, link, BLOCK, link, 0) for link in range(links)]
    heapq.heapify(queue)
    push(queue, (int(random_time(REQUESTS_PER_NS)), links, REQUEST, 0, 0))
    sequence = links + 1
    events = requests = delivered = latency = 0
    while queue:
        now, _, kind, link, sent = pop(queue)
        if now > END_NS:
            break
        events += 1
        if kind == BLOCK:
            push(queue, (now + PERIOD_NS, sequence, BLOCK, link, 0))
            sequence += 1
            if waiting[link]:
                push(queue, (now + HOP_NS, sequence, HOP, link + 1, waiting[link].popleft()))
                sequence += 1
            else:
                stored[link] += 1
            continue
        if kind == REQUEST:
            requests += 1
            sent = now
            push(queue, (now + int(random_time(REQUESTS_PER_NS)), sequence, REQUEST, 0, 0))
            sequence += 1
        elif link == links:
            delivered += 1
            latency += now - sent
            continue
        if stored[link]:
            stored[link] -= 1
            push(queue, (now + HOP_NS, sequence, HOP, link + 1, sent))
            sequence += 1
        else:
            waiting[link].append(sent)
    return events, requests, delivered, latency / delivered


for size in map(int, sys.argv[1:]):
    before = time.process_time()
    result = chain(size)
    print(size, time.process_time() - before, *result)
