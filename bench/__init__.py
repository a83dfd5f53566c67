"""`make bench`: lambdad beside AWS's Runtime Interface Emulator and ministack, the same function, in one run."""
