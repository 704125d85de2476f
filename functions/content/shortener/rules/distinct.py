"""How many different visitors: HyperLogLog (Flajolet and others, 2007) with 1,024 registers of 6 bits.

768 bytes say it to about 3 percent. Two sketches are joined by the greater of each register, so that counting somebody
twice, or a whole message again, changes nothing.
"""

import hashlib
import math
from collections.abc import Iterable

BITS, REGISTERS = 10, 1_024
PACKED_BYTES = REGISTERS * 6 // 8
_ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)


def sketch(names: Iterable[str]) -> bytes:
    """The sketch of these, packed."""
    registers = bytearray(REGISTERS)
    for name in names:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
        place, rest = number >> (64 - BITS), number & ((1 << (64 - BITS)) - 1)
        # One more than the zeros before the first one of the remaining bits.
        registers[place] = max(registers[place], 64 - BITS - rest.bit_length() + 1)
    return _packed(registers)


def joined(sketches: Iterable[bytes]) -> bytes:
    """The sketch of all that was in any of these."""
    registers = bytearray(REGISTERS)
    for one in sketches:
        registers = bytearray(map(max, registers, _unpacked(one)))
    return _packed(registers)


def estimate(packed: bytes) -> int:
    registers = _unpacked(packed)
    found = _ALPHA * REGISTERS**2 / sum(2.0**-value for value in registers)
    empty = registers.count(0)
    # Few visitors are told better by the registers that nobody has touched.
    if found <= 2.5 * REGISTERS and empty:
        found = REGISTERS * math.log(REGISTERS / empty)
    return round(found)


def _packed(registers: bytearray) -> bytes:
    number = 0
    for value in registers:
        number = number << 6 | value
    return number.to_bytes(PACKED_BYTES)


def _unpacked(packed: bytes) -> bytearray:
    number = int.from_bytes(packed)
    return bytearray(number >> shift & 63 for shift in range(6 * (REGISTERS - 1), -1, -6))
