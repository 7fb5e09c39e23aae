"""What calibration data decide about activations."""

from __future__ import annotations

import numpy as np

import edgesdk
from edgesdk_quant.graph import constant, load, to_bytes
from tests.quant.graph.written import model, random, run

TOKENS = 400


def attention(spread: float) -> bytes:
    """Softmax over many scores, times values; the larger the spread, the fewer scores matter."""
    text = f"agraph (float[1,{TOKENS},8] x) => (float[1,{TOKENS},4] y)"
    body = "k = Transpose <perm=[0,2,1]> (x) s = MatMul(x, k) z = Mul(s, f) p = Softmax(z)"
    return to_bytes(
        model(
            f"{text} {{ {body} v = MatMul(x, w) y = MatMul(p, v) }}",
            f=np.array(spread, np.float32),
            w=random(8, 4, seed=1),
        )
    )


def test_attention_over_many_tokens_gets_a_step_of_its_own() -> None:
    """1/400 is less than the step of 1/256 that integer Softmax kernels fix: all would be lost."""
    data, diffuse = random(4, TOKENS, 8), attention(0.02)
    quantized = edgesdk.quantize(diffuse, data)
    (decision,) = (d for d in quantized.decisions if d.op == "Softmax")
    assert (decision.kind, "too small for the step" in decision.reason) == ("float", True)
    exact, found = (run(m, {"x": data[:1]})[0] for m in (load(diffuse), quantized.model))
    noise = np.square(exact - found).sum() / np.square(exact).sum()
    assert 10 * np.log10(1 / noise) > 20


def test_attention_to_few_tokens_stays_an_integer_softmax() -> None:
    quantized = edgesdk.quantize(attention(3.0), random(4, TOKENS, 8))
    assert {d.kind for d in quantized.decisions if d.op == "Softmax"} == {"int8"}


def test_what_no_step_holds_stays_with_the_fixed_one() -> None:
    """One row looks at one token, three at all: 8 bits lose the latter under any scale (26 dB)."""
    scores = np.zeros((4, 1, TOKENS), np.float32)
    scores[0, 0, 0] = 20
    text = f"agraph (float[1,1,{TOKENS}] x) => (float[1,1,4] y)"
    mixed = to_bytes(model(f"{text} {{ p = Softmax(x) y = MatMul(p, w) }}", w=random(TOKENS, 4)))
    quantized = edgesdk.quantize(mixed, scores)
    assert {d.op: d.kind for d in quantized.decisions} == {"Softmax": "int8", "MatMul": "int8"}


def test_a_state_of_zeros_has_the_step_of_what_is_added_to_it() -> None:
    """A step of 1 beside one of 1e-9 makes LiteRT stop the process."""
    text = "agraph (float[N,4] x, float[N,4] state) => (float[N,4] y)"
    body = "t = MatMul(x, v) s = Add(t, state) y = MatMul(s, w)"
    small = model(f"{text} {{ {body} }}", v=random(4, 4) * np.float32(1e-5), w=random(4, 4, seed=1))
    data = [{"x": x[None], "state": np.zeros((1, 4), np.float32)} for x in random(8, 4, seed=2)]
    quantized = edgesdk.quantize(to_bytes(small), data, recipe="w8a16")
    (stored,) = (v.consumers()[0] for v in quantized.model.graph.inputs if v.name == "state")
    step = constant(stored.inputs[1])
    assert step is not None
    assert float(step) < 1e-6
    runs = [edgesdk.Runner(quantized.to_bytes("tflite"), name) for name in ("litert", "native")]
    exact, found = (runner(data[0]) for runner in runs)
    np.testing.assert_array_equal(exact, found)
