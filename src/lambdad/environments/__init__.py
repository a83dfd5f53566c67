"""Execution environments: lifecycle, Runtime API, pools, logs of one environment."""
