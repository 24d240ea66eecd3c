"""The Luhn check by its textbook definition, with a table instead of arithmetic."""

DOUBLED = {"0": 0, "1": 2, "2": 4, "3": 6, "4": 8, "5": 1, "6": 3, "7": 5, "8": 7, "9": 9}


def passes_luhn(number: str) -> bool:
    """Whether the sum of the digits, every second from the right doubled, ends in zero."""
    backwards = number[::-1]
    return (sum(map(int, backwards[::2])) + sum(DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0
