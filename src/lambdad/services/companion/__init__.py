"""AWS's other services: moto in a process of its own (`lambdad/companion`), reached through the front door like our own."""
