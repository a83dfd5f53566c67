"""What runs inside an execution environment. Standard library only (Python 3.10 and newer), imported by nobody."""
