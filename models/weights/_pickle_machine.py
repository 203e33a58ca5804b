"""A pickle reader that can only build arrays and plain containers.

It walks the opcodes itself and knows nothing but the list below: no name is ever imported and
nothing from the file is ever called, so there is nothing to trick. Array bytes are never copied
while walking: a large block stays a position in the (mapped) file, and frames carry no meaning
for a reader that has the whole file at hand.
"""

from __future__ import annotations

import math
import mmap
import re
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from models.errors import UnsafePickleError, WeightsError

__all__ = ["LARGE_BYTES", "PickleMachine"]

#: From this size on, arrays are views into the file instead of copies.
LARGE_BYTES = 65536
_MAX_DEPTH = 32
_MAX_DIMENSIONS = 32
_MARK = object()
#: No zero width: numpy would widen it, and a small file could then ask for any memory.
_DTYPE = re.compile(r"[biufcSUO][1-9][0-9]{0,8}", re.ASCII)
_FLAT = (bool, int, float, str, bytes, np.generic)

_CORE = ("numpy._core.", "numpy.core.")
#: Everything a file may name; the values are ours, never what the name means elsewhere.
_NAMES = {
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    **{(core + "multiarray", "_reconstruct"): "reconstruct" for core in _CORE},
    **{(core + "multiarray", "scalar"): "scalar" for core in _CORE},
    **{(core + "numeric", "_frombuffer"): "frombuffer" for core in _CORE},
    ("_codecs", "encode"): "encode",
    ("collections", "OrderedDict"): "ordered_dict",
    **{(module, "set"): "set" for module in ("builtins", "__builtin__")},
    **{(module, "frozenset"): "frozenset" for module in ("builtins", "__builtin__")},
    **{(module, "bytes"): "bytes" for module in ("builtins", "__builtin__")},
}


class _Name:
    """An allowed name on the stack."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what


class _Span:
    """A large block of bytes, left in the file."""

    __slots__ = ("length", "offset")

    def __init__(self, offset: int, length: int) -> None:
        self.offset, self.length = offset, length


class _Unbuilt:
    """An array or dtype whose state comes with the next BUILD."""

    __slots__ = ("code", "memo_keys")

    def __init__(self, code: str) -> None:
        self.code = code  # "" for an array, else the dtype's letters
        self.memo_keys: list[int] = []


class PickleMachine:
    """Read one pickle.

    Parameters
    ----------
    data : bytes or mmap
        Holds the pickle; arrays of :data:`LARGE_BYTES` or more stay views of it.
    offset : int
        Where the pickle starts.
    name : str
        The file, for messages.
    """

    def __init__(self, data: bytes | mmap.mmap, offset: int, name: str) -> None:
        self._data = data
        self._size = len(data)
        self._at = offset
        self._file = name
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> Any:
        """Return the value of the pickle.

        Raises
        ------
        UnsafePickleError
            It asks for anything but arrays, numbers, text and plain containers.
        WeightsError
            It is cut short or makes no sense.
        """
        try:
            if self._take(1) != b"\x80" or not 2 <= self._number("<B") <= 5:
                raise self._unsafe("a pickle protocol other than 2 to 5")
            while (opcode := self._take(1)[0]) != 0x2E:  # STOP
                action = _ACTIONS.get(opcode)
                if action is None:
                    raise self._unsafe(f"pickle operation 0x{opcode:02x}")
                action(self)
            value = self._pop()
        except (IndexError, TypeError, ValueError, OverflowError, KeyError) as error:
            raise WeightsError(f"{self._file} is damaged: {error} at byte {self._at}.") from error
        self._check_plain(value, 0, set())
        return value

    # -- reading ----------------------------------------------------------------------------

    def _unsafe(self, what: str) -> UnsafePickleError:
        return UnsafePickleError(
            f"{self._file} asks for {what}. Only arrays and plain containers are read; "
            "nothing was run. Get the file again from its publisher."
        )

    def _skip(self, length: int) -> int:
        """Move past ``length`` bytes; return where they start."""
        start = self._at
        if length > self._size - start:
            raise WeightsError(
                f"{self._file} is cut short: {length} bytes are promised at byte {start}, "
                f"{self._size - start} are there."
            )
        self._at = start + length
        return start

    def _take(self, length: int) -> bytes:
        start = self._skip(length)
        return self._data[start : start + length]

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        end = self._data.find(b"\n", self._at, self._at + 256)
        if end < 0:
            raise WeightsError(f"{self._file} is damaged: an endless name at byte {self._at}.")
        return self._take(end + 1 - self._at)[:-1].decode("utf-8")

    def _text(self, form: str) -> None:
        self._stack.append(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _bytes(self, form: str) -> None:
        length = self._number(form)
        if length < LARGE_BYTES:
            self._stack.append(self._take(length))
        else:
            self._stack.append(_Span(self._skip(length), length))

    def _long(self) -> None:
        self._stack.append(int.from_bytes(self._take(self._number("<B")), "little", signed=True))

    # -- stack and memo ---------------------------------------------------------------------

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise ValueError("a value is missing")
        return value

    def _pop_to_mark(self) -> list[Any]:
        stack = self._stack
        start = len(stack) - 1
        while stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise ValueError("a mark is missing")
        values = stack[start + 1 :]
        del stack[start:]
        return values

    def _put(self, key: int) -> None:
        value = self._stack[-1]
        if isinstance(value, _Unbuilt):
            value.memo_keys.append(key)
        self._memo[key] = value

    def _get(self, key: int) -> None:
        value = self._memo[key]
        if isinstance(value, _Unbuilt):
            raise self._unsafe("an array that contains itself")
        self._stack.append(value)

    def _tuple(self, length: int) -> None:
        values = [self._pop() for _ in range(length)]
        self._stack.append(tuple(reversed(values)))

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set_items(self, values: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            target[self._key(key)] = value

    def _key(self, value: Any) -> Any:
        """Let only flat values be hashed: hashing a deep nest could exhaust the C stack."""
        flat = value if isinstance(value, tuple) else (value,)
        if not all(part is None or isinstance(part, _FLAT) for part in flat):
            raise self._unsafe("a key that is no number or text")
        return value

    def _top(self, kind: type) -> Any:
        target = self._stack[-1]
        if not isinstance(target, kind):
            raise self._unsafe(f"filling something that is no {kind.__name__}")
        return target

    # -- names and what is made of them -----------------------------------------------------

    def _push_name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise self._unsafe("a name that is no text")
        what = _NAMES.get((module, name))
        if what is None:
            raise self._unsafe(f"{module[:60]}.{name[:60]}")
        self._stack.append(_Name(what))

    def _stack_global(self) -> None:
        name, module = self._pop(), self._pop()
        self._push_name(module, name)

    def _reduce(self) -> None:
        arguments, name = self._pop(), self._pop()
        if not isinstance(name, _Name) or not isinstance(arguments, tuple):
            raise self._unsafe("a call")
        maker = _MAKERS.get(name.what)
        if maker is None:
            raise self._unsafe(f"a call of {name.what}")
        self._stack.append(maker(self, *arguments))

    def _make_array_to_fill(self, kind: Any, shape: Any, letters: Any) -> _Unbuilt:
        if not isinstance(kind, _Name) or kind.what != "ndarray":
            raise self._unsafe("an array of a foreign class")
        return _Unbuilt("")

    def _make_dtype(self, code: Any, *flags: Any) -> _Unbuilt:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise self._unsafe("numbers of an unknown type")
        return _Unbuilt(code)

    def _make_scalar(self, dtype: Any, data: Any) -> Any:
        return self._view(data, self._numeric(dtype), ())[()]

    def _make_from_buffer(self, data: Any, dtype: Any, shape: Any, order: Any) -> Any:
        return self._view(data, self._numeric(dtype), shape, order)

    def _make_encoded(self, text: Any, codec: Any) -> bytes:
        """Bytes as protocol 2 writes them: text in Latin-1."""
        if not isinstance(text, str) or codec != "latin1":
            raise self._unsafe("text in an unknown code")
        return text.encode("latin1")

    def _make_set(self, values: Any = ()) -> set[Any]:
        return set(self._keys(values))

    def _make_frozen_set(self, values: Any = ()) -> frozenset[Any]:
        return frozenset(self._keys(values))

    def _make_ordered(self) -> dict[Any, Any]:
        return {}

    def _make_bytes(self) -> bytes:
        return b""

    def _keys(self, values: Any) -> list[Any]:
        if not isinstance(values, list | tuple):
            raise self._unsafe("a set of something odd")
        return [self._key(value) for value in values]

    # -- BUILD ------------------------------------------------------------------------------

    def _build(self) -> None:
        state = self._pop()
        target = self._stack[-1]
        if not isinstance(target, _Unbuilt) or not isinstance(state, tuple):
            raise self._unsafe("setting the inside of an object")
        built = self._built_dtype(target.code, state) if target.code else self._built_array(state)
        self._stack[-1] = built
        for key in target.memo_keys:
            self._memo[key] = built

    def _built_dtype(self, code: str, state: tuple[Any, ...]) -> np.dtype[Any]:
        if len(state) != 8 or state[1] not in ("<", ">", "|", "=") or state[2:5] != (None,) * 3:
            raise self._unsafe("numbers of a compound type")
        return np.dtype(code if state[1] == "|" else state[1] + code)

    def _built_array(self, state: tuple[Any, ...]) -> Any:
        _, shape, dtype, is_fortran, data = state
        if isinstance(dtype, np.dtype) and dtype.kind == "O":
            return self._object_array(data, shape, bool(is_fortran))
        return self._view(data, self._numeric(dtype), shape, "F" if is_fortran else "C")

    def _numeric(self, dtype: Any) -> np.dtype[Any]:
        if not isinstance(dtype, np.dtype) or dtype.kind == "O":
            raise self._unsafe("an array of something that is no number or text")
        return dtype

    def _shape(self, shape: Any) -> tuple[int, ...]:
        if not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
            raise self._unsafe("an array of impossible shape")
        if any(isinstance(n, bool) or not isinstance(n, int) or n < 0 for n in shape):
            raise self._unsafe("an array of impossible shape")
        return shape

    def _object_array(self, values: Any, shape: Any, is_fortran: bool) -> Any:
        shape = self._shape(shape)
        if not isinstance(values, list) or len(values) != math.prod(shape):
            raise self._unsafe(f"an array of shape {shape} with another number of values")
        array = np.empty(len(values), dtype=object)
        for place, value in enumerate(values):
            array[place] = value
        return array.reshape(shape, order="F" if is_fortran else "C")

    def _view(self, data: Any, dtype: np.dtype[Any], shape: Any, order: Any = "C") -> Any:
        """Read-only array over ``data``; the sizes must agree before anything is made."""
        shape = self._shape(shape)
        length = data.length if isinstance(data, _Span) else len(data)
        if math.prod(shape) * dtype.itemsize != length or order not in ("C", "F"):
            raise self._unsafe(f"an array of shape {shape} and {dtype} over {length} bytes")
        if length == 0:
            return np.zeros(shape, dtype)
        if isinstance(data, _Span):
            count = math.prod(shape)
            flat = np.frombuffer(self._data, dtype, count, data.offset)
        else:
            flat = np.frombuffer(data, dtype)
        return flat.reshape(shape, order=order)

    # -- the result -------------------------------------------------------------------------

    def _check_plain(self, value: Any, depth: int, checked: set[int]) -> None:
        """Refuse a result with pieces of this machine in it, or one that contains itself."""
        if value is None or isinstance(value, _FLAT):
            return
        if id(value) in checked:
            return
        if depth > _MAX_DEPTH:
            raise self._unsafe("containers nested without end")
        for part in self._parts(value):
            self._check_plain(part, depth + 1, checked)
        checked.add(id(value))

    def _parts(self, value: Any) -> list[Any]:
        if isinstance(value, np.ndarray):
            return list(value.ravel()) if value.dtype.kind == "O" else []
        if isinstance(value, dict):
            return [*value.keys(), *value.values()]
        if isinstance(value, list | tuple | set | frozenset):
            return list(value)
        raise self._unsafe("a value that is no array, number, text or container")


_Action = Callable[[PickleMachine], None]
_P = PickleMachine

_MAKERS: dict[str, Callable[..., Any]] = {
    "reconstruct": _P._make_array_to_fill,
    "dtype": _P._make_dtype,
    "scalar": _P._make_scalar,
    "frombuffer": _P._make_from_buffer,
    "encode": _P._make_encoded,
    "set": _P._make_set,
    "frozenset": _P._make_frozen_set,
    "ordered_dict": _P._make_ordered,
    "bytes": _P._make_bytes,
}


def _push(value: Callable[[_P], Any]) -> _Action:
    """Make an action that pushes what ``value`` reads."""
    return lambda machine: machine._stack.append(value(machine))


def _add_items(machine: _P) -> None:
    """ADDITEMS: into the set below the mark."""
    values = machine._keys(machine._pop_to_mark())
    machine._top(set).update(values)


#: Opcode -> what it does. An opcode that is not here is refused.
_ACTIONS: dict[int, _Action] = {
    0x95: lambda m: m._number("<Q"),  # FRAME: only a hint for buffered readers
    ord("("): lambda m: m._stack.append(_MARK),
    ord("0"): lambda m: m._pop(),
    ord("1"): lambda m: m._pop_to_mark(),  # type: ignore[dict-item]
    ord("N"): _push(lambda m: None),
    0x88: _push(lambda m: True),
    0x89: _push(lambda m: False),
    ord("J"): _push(lambda m: m._number("<i")),
    ord("K"): _push(lambda m: m._number("<B")),
    ord("M"): _push(lambda m: m._number("<H")),
    ord("G"): _push(lambda m: m._number(">d")),
    0x8A: _P._long,
    ord("C"): lambda m: m._bytes("<B"),
    ord("B"): lambda m: m._bytes("<I"),
    0x8E: lambda m: m._bytes("<Q"),
    0x96: lambda m: m._bytes("<Q"),  # BYTEARRAY8, protocol 5
    0x8C: lambda m: m._text("<B"),
    ord("X"): lambda m: m._text("<I"),
    0x8D: lambda m: m._text("<Q"),
    ord("]"): _push(lambda m: []),
    ord("a"): lambda m: m._append([m._pop()]),
    ord("e"): lambda m: m._append(m._pop_to_mark()),
    ord(")"): _push(lambda m: ()),
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    ord("t"): _push(lambda m: tuple(m._pop_to_mark())),
    ord("}"): _push(lambda m: {}),
    ord("s"): lambda m: m._set_items([m._pop(), m._pop()][::-1]),
    ord("u"): lambda m: m._set_items(m._pop_to_mark()),
    0x8F: _push(lambda m: set()),
    0x90: _add_items,
    0x91: _push(lambda m: frozenset(m._keys(m._pop_to_mark()))),
    ord("q"): lambda m: m._put(m._number("<B")),
    ord("r"): lambda m: m._put(m._number("<I")),
    0x94: lambda m: m._put(len(m._memo)),
    ord("h"): lambda m: m._get(m._number("<B")),
    ord("j"): lambda m: m._get(m._number("<I")),
    ord("c"): lambda m: m._push_name(m._line(), m._line()),
    0x93: _P._stack_global,
    ord("R"): _P._reduce,
    ord("b"): _P._build,
}
