"""Which driver this host and the settings allow."""

import logging
import os

from lambdad.config import Config
from lambdad.sandbox.driver import Driver
from lambdad.sandbox.namespaces import NamespacesDriver, can_make_namespaces
from lambdad.sandbox.network import NetworkPool
from lambdad.sandbox.process import ProcessDriver
from lambdad.sandbox.user_network import UserNetworks, find_program

log = logging.getLogger(__name__)


def driver_of(config: Config) -> Driver:
    """As the setting says; `auto`: namespaces wherever the kernel lets us have them."""
    if config.sandbox == "process" or (config.sandbox == "auto" and not can_make_namespaces()):
        return ProcessDriver(config.data_dir)
    networks, user_networks = None, None
    if os.geteuid() == 0:
        networks = NetworkPool(str(config.data_dir), config.network, config.network_deny)
    elif config.network == "nat":
        user_networks = _user_networks(config)
    return NamespacesDriver(config.data_dir, config.data_dir / "unpacked", networks, user_networks)


def _user_networks(config: Config) -> UserNetworks | None:
    try:
        program = find_program()
    except OSError as error:
        log.warning("functions reach nothing outside: %s (lambdad doctor says more)", error)
        return None
    return UserNetworks(program, config.network_deny, config.data_dir / "run" / "zygotes.log")
