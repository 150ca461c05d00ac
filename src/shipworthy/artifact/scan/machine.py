"""The pickle machine with names instead of values: what a stream would name and call.

In: bytes and the declared classes. Out: `problems` (kind, text), how many calls and arrays were met, and Broken when it
cannot go on. Mirrors CPython's Lib/pickle.py `_Unpickler`; where that would raise, this is Broken.
"""

from __future__ import annotations

from collections.abc import Callable

from shipworthy.artifact.scan import dtypes
from shipworthy.artifact.scan.allowed import ARRAY_WRAPPER, ATTRIBUTES, DTYPE, RULES, full_name, may_declare
from shipworthy.artifact.scan.estimators import ESTIMATORS
from shipworthy.artifact.scan.findings import Kind
from shipworthy.artifact.scan.joblib_arrays import item_count, wrapper_fits
from shipworthy.artifact.scan.opcodes import Broken
from shipworthy.artifact.scan.scalars import literal
from shipworthy.artifact.scan.shown import shown, shown_call
from shipworthy.artifact.scan.stack import Stack
from shipworthy.artifact.scan.values import OPAQUE, Bag, Made, Ref

_MAX_NESTED = 8
_LONGEST_NAME = 512


class Machine(Stack):
    """One pickle stream. `run()` walks it to STOP; a nested stream (an object array of joblib) has its own machine."""

    def __init__(
        self,
        blob: bytes,
        declared: frozenset[str],
        *,
        joblib: bool = True,
        at: int = 0,
        nested: int = 0,
        most_problems: int = 200,
    ) -> None:
        super().__init__(blob, at, most_problems)
        self.start = at
        self.declared = declared
        self.joblib = joblib
        self.nested = nested
        self.protocol = 0
        self.arrays = 0
        self.stops_plainly = False

    def run(self) -> None:
        """Walks opcode by opcode until STOP. Raises Broken."""
        read, methods = self.reader.next, _METHODS
        while True:
            name, argument = read()
            method = methods.get(name)
            if method is not None:
                method(self, argument)
            elif name == "STOP":
                self._stop()
                return
            else:
                self.stack.append(literal(name, argument))

    def _stop(self) -> None:
        self.pop()
        if self.reader.frame_end not in (None, self.reader.at):
            raise Broken(Kind.FRAME, "the pickle ends before its frame does")

    def proto(self, argument: object) -> None:
        """PROTO opens a stream. Later on it is harmless to pickle.load, and no pickler writes it there."""
        first = self.reader.at == self.start + 2
        if not isinstance(argument, int) or argument > 5:
            raise Broken(Kind.MALFORMED, f"the protocol {argument} does not exist", ends=True)
        if not first and self.joblib:
            raise Broken(Kind.MALFORMED, "a protocol mark that does not belong there")
        self.protocol = argument

    def frame(self, argument: object) -> None:
        """FRAME exists from protocol 4 on; its bounds are the reader's business."""
        if self.protocol < 4:
            raise Broken(Kind.FRAME, "a frame in a protocol without frames")

    def name_lines(self, argument: object) -> None:
        self.stack.append(self._resolve(argument))

    def name_stack(self, argument: object) -> None:
        name, module = self.pop(), self.pop()
        if not all(_may_be_text(one) for one in (name, module)):
            raise Broken(Kind.MALFORMED, "a name that is not a text", ends=True)
        if not (isinstance(name, str) and isinstance(module, str)):
            raise Broken(Kind.GLOBAL, "a name that is only known when it runs")
        self.stack.append(self._named(module, name))

    def _resolve(self, argument: object) -> Ref:
        if not isinstance(argument, tuple):
            raise Broken(Kind.MALFORMED, "a name of another shape")
        try:
            module, name = (line.decode("utf-8") for line in argument)
        except UnicodeDecodeError as error:
            raise Broken(Kind.MALFORMED, "a name that is not text", ends=True) from error
        return self._named(module, name)

    def _named(self, module: str, name: str) -> Ref:
        if len(module) + len(name) > _LONGEST_NAME:
            raise Broken(Kind.GLOBAL, f"a name of {len(module) + len(name)} letters")
        full = full_name(module, name)
        # A dotted name would be looked up as an attribute of an attribute: no class needs that.
        known = full in RULES or full in ESTIMATORS
        trusted = "." not in name and (known or (full in self.declared and may_declare(full)))
        # Read plainly, the memo of an object array inside a joblib file points elsewhere and names come out mixed. A
        # harmless attribute of a mixed-up module is not worth a finding; any other attribute is.
        mixed = not self.joblib and name in ATTRIBUTES
        if not trusted and not mixed:
            self.problem(Kind.GLOBAL, f"{full} is not on the allow-list", full)
        return Ref(full, trusted)

    def reduce(self, argument: object) -> None:
        args, function = self.pop(), self.pop()
        self.stack.append(self._call(function, args, fresh=False))

    def new_object(self, argument: object) -> None:
        args, function = self.pop(), self.pop()
        self.stack.append(self._call(function, args, fresh=True))

    def new_object_ex(self, argument: object) -> None:
        keywords, args, function = self.pop(), self.pop(), self.pop()
        made = self._call(function, args, fresh=True)
        none = isinstance(keywords, Bag) and not keywords.entries and keywords.plain
        if not none and (made.by in RULES or made.by in ESTIMATORS):
            self.problem(Kind.CALL, f"{made.by} is called with keywords")
        self.stack.append(made)

    def instance(self, argument: object) -> None:
        args = self.pop_mark()
        self.stack.append(self._call(self._resolve(argument), tuple(args), fresh=False))

    def object_marked(self, argument: object) -> None:
        args = self.pop_mark()
        if not args:
            raise Broken(Kind.MALFORMED, "a call of nothing", ends=True)
        self.stack.append(self._call(args[0], tuple(args[1:]), fresh=False))

    def _call(self, function: object, args: object, fresh: bool) -> Made:
        """What calling `function` would give. `fresh`: by `cls.__new__`, which for a trusted class without arguments
        only allocates."""
        if not isinstance(function, Ref):
            plain = not isinstance(function, Made) or function.by in RULES  # no class there has callable objects
            called = f"what {shown(function)} gives" if isinstance(function, Made) else "something without a name"
            raise Broken(Kind.CALL, f"a call of {called}", ends=plain)
        if not isinstance(args, tuple):
            # The unpickler in Python calls with whatever can be iterated over, the letters of a text included.
            plain = args is None or isinstance(args, bool | int | float)
            raise Broken(Kind.CALL, f"{function.name} is called without a tuple", ends=plain)
        self.calls += 1
        if not function.trusted:
            self._would_run(function.name, args, fresh)
        rule = RULES.get(function.name) or ESTIMATORS.get(function.name)
        empty_new = fresh and not args
        if rule is not None and not empty_new and not rule(args):
            told = f"{shown_call(function.name, args, fresh)} is not a call on the allow-list"
            self.problem(Kind.CALL, told, function.name)
        made = Made(_class_made(function.name, args), args)
        if function.name == DTYPE:
            self._note(dtypes.start(made, args[0] if args else None))
        return made

    def _would_run(self, name: str, args: tuple[object, ...], fresh: bool) -> None:
        """Says of a name that was noted when it was looked up what its first call would be, and where."""
        noted = self.problems.get((Kind.GLOBAL, name))
        if noted is not None and noted.what.startswith(name + " is"):
            noted.what = f"{shown_call(name, args, fresh)} would run; it is not on the allow-list"
            noted.at = self.reader.opcode_at

    def persistent(self, argument: object) -> None:
        """An object that whoever loads the file finds by its id: it may be anything, a function included.

        `pickle.load` stops here. In bytes that do not announce themselves as a pickle (every zip begins with a `P`)
        what follows therefore counts only when it ends as a pickle does.
        """
        self.stops_plainly = self.stops_plainly or not (self.protocol or self.calls)
        self.problem(Kind.PERSISTENT, "a persistent id, resolved by whoever loads it")
        self.stack.append(Made("what a persistent id stands for"))

    def build(self, argument: object) -> None:
        """BUILD sets the state of an object, and never of a class: that would replace its methods."""
        state, target = self.pop(), self.top()
        if isinstance(target, Ref):
            raise Broken(Kind.CALL, f"state is set on {target.name} itsel")
        if not isinstance(target, Made):
            return  # nothing, or an error, in every unpickler
        self.calls += 1
        if target.by in ESTIMATORS and isinstance(state, tuple) and len(state) == 2:
            self.problem(Kind.CALL, f"attributes of {target.by} are set one by one", target.by)
        if target.by == DTYPE:
            self._note(dtypes.build(target, state))
        if target.by == ARRAY_WRAPPER:
            self._array(state)

    def _note(self, what: str) -> None:
        """A forged dtype makes every size after it a guess, so the walk ends there."""
        if what:
            raise Broken(Kind.DTYPE, what)

    def _array(self, state: object) -> None:
        """The raw bytes that joblib writes after its array marker. Source: joblib/numpy_pickle.py, `read_array`."""
        self.arrays += 1
        if not self.joblib:
            return
        if not isinstance(state, Bag) or not state.plain or not wrapper_fits(state.entries):
            raise Broken(Kind.MALFORMED, "an array marker that joblib does not write")
        dtype = state.entries["dtype"]
        if not isinstance(dtype, Made):
            raise Broken(Kind.MALFORMED, "an array marker without a dtype")
        if dtype.objects:
            self._object_array()
        else:
            self._raw_array(state.entries, dtype.size)
        self.stack[-1] = Made("numpy.ndarray")

    def _raw_array(self, entries: dict[str, object], size: int | None) -> None:
        if not size:
            raise Broken(Kind.DTYPE, "an array of items without a size")
        if entries.get("numpy_array_alignment_bytes") is not None:
            padding = self.reader.raw(1)[0]
            # 1 to 16 are no opcodes, so pickle.load stops here and cannot take the array for code.
            if not 1 <= padding <= 16:
                raise Broken(Kind.MALFORMED, "array padding that joblib does not write")
            self.reader.raw(padding)
        self.reader.raw(size * item_count(entries["shape"]))

    def _object_array(self) -> None:
        if self.nested >= _MAX_NESTED:
            raise Broken(Kind.BOMB, "object arrays inside object arrays")
        self.reader.raw(0)
        inner = Machine(
            self.reader.blob,
            self.declared,
            at=self.reader.at,
            nested=self.nested + 1,
            most_problems=self.most_problems,
        )
        try:
            inner.run()
        finally:
            for key, problem in inner.problems.items():
                self.problems.setdefault(key, problem)
            self.calls += inner.calls
            self.reader.opcode_at = inner.reader.opcode_at
        self.reader.at = inner.reader.at


def _may_be_text(value: object) -> bool:
    """Whether an unpickler could take the value for a name: a text, or something whose making we did not follow."""
    if isinstance(value, Made):
        return value.by == "builtins.str" or not (value.by in RULES or value.by in ESTIMATORS)
    return isinstance(value, str) or value is OPAQUE


def _class_made(name: str, args: tuple[object, ...]) -> str:
    """The class of what a call gives: for copyreg's helpers, the class in their first argument."""
    if name in ("copyreg._reconstructor", "copyreg.__newobj__") and args and isinstance(args[0], Ref):
        return args[0].name
    return name


def _refuse(kind: Kind, what: str, ends: bool = False) -> None:
    raise Broken(kind, what, ends)


_METHODS: dict[str, Callable[[Machine, object], None]] = {
    "PROTO": Machine.proto,
    "FRAME": Machine.frame,
    "MARK": Machine.mark,
    "POP": Machine.pop_one,
    "POP_MARK": Machine.drop_mark,
    "DUP": Machine.dup,
    "MEMOIZE": Machine.memoize,
    "TUPLE": Machine.tuple_marked,
    "DICT": Machine.dict_marked,
    "APPEND": Machine.append,
    "SETITEM": Machine.set_item,
    "SETITEMS": Machine.set_items,
    "GLOBAL": Machine.name_lines,
    "STACK_GLOBAL": Machine.name_stack,
    "REDUCE": Machine.reduce,
    "NEWOBJ": Machine.new_object,
    "NEWOBJ_EX": Machine.new_object_ex,
    "INST": Machine.instance,
    "OBJ": Machine.object_marked,
    "BUILD": Machine.build,
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), Machine.put),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), Machine.get),
    "EMPTY_TUPLE": lambda machine, argument: machine.tuple_n(0),
    "TUPLE1": lambda machine, argument: machine.tuple_n(1),
    "TUPLE2": lambda machine, argument: machine.tuple_n(2),
    "TUPLE3": lambda machine, argument: machine.tuple_n(3),
    "EMPTY_LIST": lambda machine, argument: machine.bag("list"),
    "EMPTY_SET": lambda machine, argument: machine.bag("set"),
    "EMPTY_DICT": lambda machine, argument: machine.bag("dict"),
    "LIST": lambda machine, argument: machine.bag_marked("list"),
    "FROZENSET": lambda machine, argument: machine.bag_marked("frozenset"),
    "APPENDS": lambda machine, argument: machine.appends("list"),
    "ADDITEMS": lambda machine, argument: machine.appends("set"),
    **dict.fromkeys(
        ("EXT1", "EXT2", "EXT4"),
        lambda machine, argument: _refuse(Kind.EXTENSION, "a name from the extension registry"),
    ),
    "PERSID": Machine.persistent,
    "BINPERSID": lambda machine, argument: machine.persistent(machine.pop()),
    **dict.fromkeys(
        ("NEXT_BUFFER", "READONLY_BUFFER"),
        lambda machine, argument: _refuse(Kind.MALFORMED, "a buffer from outside the file"),
    ),
}
