"""AWS X-Ray: segments in, traces and service graphs out, sampling rules, groups. Kept by `observability/trace_store.py`."""
