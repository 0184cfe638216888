"""Brazilian identifiers of a bill: what they look like without a mask, and their check digits.

For each kind there is ``valid_<kind>(text) -> bool``, which takes a text with or without mask, and
where there are check digits ``complete_<kind>(base) -> str``, which appends them. ``compact(text)``
is the form that goes into messages and databases. Sources: guide §8.1 (TUSS), §9.
"""

from __future__ import annotations

import re

from stdnum.br import cpf as _cpf

NO_CNES = "9999999"

_MASK = re.compile(r"[\s./-]+")
_CNPJ = re.compile(r"[0-9A-Z]{12}[0-9]{2}")


def compact(text: str) -> str:
    """Without blanks, dots, slashes and hyphens, in capitals."""
    return _MASK.sub("", text).upper()


def _digits(text: str, *lengths: int) -> str:
    """The compact text when it is that many ASCII digits, else an empty one."""
    text = compact(text)
    return text if len(text) in lengths and text.isascii() and text.isdigit() else ""


def _base(text: str, *lengths: int) -> str:
    digits = _digits(text, *lengths)
    if not digits:
        raise ValueError(f"expected {' or '.join(map(str, lengths))} digits, not {text!r}")
    return digits


def _weighted(values: str, weights: range | tuple[int, ...]) -> int:
    # ASCII - 48 is the value of a digit, and by law also of a letter in a CNPJ.
    return sum((ord(each) - 48) * weight for each, weight in zip(values, weights, strict=True))


def valid_cpf(text: str) -> bool:
    """CPF: 11 digits, two of them check digits; eleven equal digits are no CPF."""
    digits = _digits(text, 11)
    return len(set(digits)) > 1 and _cpf.is_valid(digits)


def complete_cpf(base: str) -> str:
    """CPF from its first nine digits."""
    digits = _base(base, 9)
    for first in (10, 11):
        rest = _weighted(digits, range(first, 1, -1)) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return digits


def valid_cnpj(text: str, *, alphanumeric: bool = True) -> bool:
    """CNPJ: 14 characters, since 2026 also with letters in the first 12 (TISS 4.03.00)."""
    code = compact(text)
    if not _CNPJ.fullmatch(code) or len(set(code)) == 1:
        return False
    return (alphanumeric or code.isdigit()) and complete_cnpj(code[:12]) == code


def complete_cnpj(base: str) -> str:
    """CNPJ from its first twelve characters."""
    code = compact(base)
    if not re.fullmatch("[0-9A-Z]{12}", code):
        raise ValueError(f"expected 12 digits or capital letters, not {base!r}")
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    for used in (weights[1:], weights):
        rest = _weighted(code, used) % 11
        code += str(0 if rest < 2 else 11 - rest)
    return code


def valid_cns(text: str) -> bool:
    """Cartão Nacional de Saúde: 15 digits, definitive (1, 2) or provisional (7, 8, 9)."""
    digits = _digits(text, 15)
    return digits[:1] in tuple("12789") and _weighted(digits, range(15, 0, -1)) % 11 == 0


def complete_cns(base: str) -> str:
    """Definitive CNS from the eleven digits of a PIS that begins with 1 or 2."""
    digits = _base(base, 11)
    if digits[0] not in "12":
        raise ValueError("a definitive CNS begins with 1 or 2")
    for middle in ("000", "001"):
        rest = _weighted(digits + middle, range(15, 1, -1)) % 11
        if rest != 1:
            return f"{digits}{middle}{-rest % 11}"
    raise AssertionError("one of the two forms always has a check digit")


def valid_ans_code(text: str) -> bool:
    """Registro ANS of an operadora: 6 digits, the last a check digit."""
    digits = _digits(text, 6)
    return bool(digits) and complete_ans_code(digits[:5]) == digits


def complete_ans_code(base: str) -> str:
    """Registro ANS from its first five digits."""
    digits = _base(base, 5)
    return f"{digits}{(11 - _weighted(digits, range(6, 1, -1)) % 11) % 10}"


def valid_tuss(text: str) -> bool:
    """Code of TUSS tables 18, 19, 20 and 22: 8 or 9 digits, the last a check digit."""
    digits = _digits(text, 8, 9)
    return bool(digits) and complete_tuss(digits[:-1]) == digits


def complete_tuss(base: str) -> str:
    """TUSS code from all its digits but the last."""
    digits = _base(base, 7, 8)
    rest = 11 - _weighted(digits, range(len(digits) + 1, 1, -1)) % 11
    return f"{digits}{rest if rest < 10 else 0}"


def valid_cnes(text: str) -> bool:
    """CNES of an establishment: 7 digits without check digit; ``NO_CNES`` stands for none."""
    return bool(_digits(text, 7))
