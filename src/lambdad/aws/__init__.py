"""The neighbours: clients and endpoints of the other AWS services."""
