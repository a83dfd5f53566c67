"""`python -m lambdad` is `lambdad`."""

from lambdad.cli.main import main

if __name__ == "__main__":
    main()
