"""Run inside the emulated machine: LiteRT on one thread, a marker around each inference."""

import ctypes
import sys

import numpy as np

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:  # its elder name, the one that has wheels for 32-bit ARM
    from tflite_runtime.interpreter import Interpreter

MARKER = 77777


def main(model: str, runs: int) -> None:
    """Fill the inputs with noise, warm up once, then run `runs` times."""
    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    fill_inputs(interpreter)
    interpreter.invoke()
    syscall = ctypes.CDLL(None).syscall
    for label in range(runs):
        syscall(ctypes.c_long(MARKER), ctypes.c_long(label))
        interpreter.invoke()
    syscall(ctypes.c_long(MARKER), ctypes.c_long(runs))


def fill_inputs(interpreter: Interpreter) -> None:
    """Random bytes for 8-bit inputs, [0, 1) for real ones, zeros for indices."""
    rng = np.random.default_rng(0)
    for detail in interpreter.get_input_details():
        shape, dtype = detail["shape"], np.dtype(detail["dtype"])
        values = np.zeros(shape, dtype)
        if dtype.itemsize == 1 and dtype.kind in "iu":
            values = rng.integers(0, 256, shape).astype(np.uint8).view(dtype)
        elif dtype.kind == "f":
            values = rng.random(shape).astype(dtype)
        interpreter.set_tensor(detail["index"], values)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
