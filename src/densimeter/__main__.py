"""``python -m densimeter`` is the command `densimeter`."""

from densimeter.cli.main import run

if __name__ == "__main__":
    run()
