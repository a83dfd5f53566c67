"""What is kept across restarts: the database with its records, code packages, logs."""

import gc

from lambdad.clock import Clock
from lambdad.config import Config
from lambdad.observability.logs import LogStore
from lambdad.observability.metering import Metering
from lambdad.observability.reservations import Reservations
from lambdad.services.own_services import OwnServices
from lambdad.store.code_packages import CodePackages
from lambdad.store.code_signing_configs import CodeSigningConfigs
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries
from lambdad.store.event_source_mappings import EventSourceMappings
from lambdad.store.functions import Functions
from lambdad.store.layers import Layers
from lambdad.store.queue import EventQueue
from lambdad.store.usage import Usage


class State:
    """`open` before anything is asked of it."""

    def __init__(self, config: Config, clock: Clock) -> None:
        data_dir = config.data_dir
        self.database = Database(data_dir)
        self.functions = Functions(self.database)
        self.layers = Layers(self.database)
        self.event_source_mappings = EventSourceMappings(self.database)
        self.code_signing_configs = CodeSigningConfigs(self.database)
        self.deliveries = Deliveries(self.database)
        self.queue = EventQueue(self.database, self.deliveries)
        self.usage = Usage(self.database)
        self.reservations = Reservations(self.usage, clock)
        self.metering = Metering(self.usage, self.reservations, clock, config.usage_retention_days)
        self.code = CodePackages(data_dir)
        self.logs = LogStore(data_dir, config.log_retention_mb * 1024 * 1024)

    def open(self, services: OwnServices) -> None:
        """With what the services beside Lambda keep in the same database. Raises DataDirectoryInUse, OSError."""
        self.database.open()
        gc.disable()  # what is loaded is no garbage, and stays: the collector need never look at it
        self.functions.load()
        self.layers.load()
        self.event_source_mappings.load()
        self.code_signing_configs.load()
        self.queue.load()
        self.deliveries.load()
        services.load()
        self.reservations.load(self.functions.all())
        gc.freeze()
        gc.enable()
        self.code.open()
        self.logs.open()
