"""The composition root: a Config in, every room built from the bottom up, started, and drained from the top down.

The only file that names more than three rooms. Nothing here decides anything: it connects.
"""

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from lambdad import __version__
from lambdad.api.context import Backend
from lambdad.api.front_door import FrontDoor
from lambdad.api.operations import OPERATIONS
from lambdad.aws.credentials import RoleCredentials
from lambdad.clock import SystemClock
from lambdad.config import Config
from lambdad.environments.blueprints import Blueprints
from lambdad.environments.environments import Environments, Limits
from lambdad.environments.preparation import Preparation
from lambdad.environments.spares import Spares
from lambdad.environments.variables import Credentials
from lambdad.http.exchange import Exchange, Handler
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.concurrency import Concurrency
from lambdad.invocation.invoke import Invoker
from lambdad.observability.logs import LogStore
from lambdad.observability.metrics import Metrics
from lambdad.resources.function import FunctionVersion
from lambdad.runtimes.interpreters import Interpreters
from lambdad.runtimes.templates import Runtimes
from lambdad.sandbox.driver import Driver, Sandbox
from lambdad.store.code_packages import CodePackages
from lambdad.store.database import Database
from lambdad.store.functions import Functions
from lambdad.store.queue import EventQueue
