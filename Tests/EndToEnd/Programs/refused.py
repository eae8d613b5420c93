"""refused.py: raises unless the call fails with one of the errnos."""
import errno, os


def refused(numbers, call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        assert error.errno in numbers, (error, arguments)
    else:
        raise SystemExit(f"{call.__name__}{arguments} was not refused")
