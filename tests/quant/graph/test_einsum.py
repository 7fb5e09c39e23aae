"""Einsum is matrix products."""

from __future__ import annotations

import onnx_ir as ir
import pytest

from edgesdk_quant.graph.einsum import write_einsums
from edgesdk_quant.graph.values import constant
from tests.quant.graph.written import model, ops, random, rewritten

SIZES = {"b": 2, "h": 3, "i": 4, "j": 5, "d": 6, "e": 7}


def einsum(equation: str, *weights: int) -> ir.Model:
    """A model of random operands; those named in `weights` are constant."""
    operands, _, result = equation.partition("->")
    shapes = [[SIZES[label] for label in labels] for labels in operands.split(",")]
    given = [i for i in range(len(shapes)) if i not in weights]
    inputs = ", ".join(f"float{shapes[i]} x{i}" for i in given)
    outputs = [SIZES[label] for label in result]
    operator = (
        f'y = Einsum <equation = "{equation}"> ({", ".join(f"x{i}" for i in range(len(shapes)))})'
    )
    text = f"agraph ({inputs}) => (float{outputs} y) {{ {operator} }}"
    return model(text, **{f"x{i}": random(*shapes[i], seed=i) for i in weights})


@pytest.mark.parametrize(
    "equation",
    [
        *("bhid,bhjd->bhij", "bhij,bhjd->bhid", "bihd,bjhd->bhij", "bhij,bjhd->bihd"),
        *("bid,de->bie", "bi,bi->b", "bi,bi->bi", "i,j->ij", "bid->bdi", "bid->b", "bij,bj->bi"),
        *("bid,hdj->bhij", "bhid,hde->bhie", "bdi,dje->bije", "bi,id,de->be", "bhd,bhd->bh"),
    ],
)
def test_products_of_activations(equation: str) -> None:
    after = rewritten(einsum(equation), write_einsums, 1e-4)
    assert "Einsum" not in ops(after)


def test_weights_stand_on_the_right() -> None:
    after = rewritten(einsum("ed,bid->bie", 0), write_einsums, 1e-4)
    product = next(node for node in after.graph if node.op_type == "MatMul")
    assert constant(product.inputs[1]) is not None


@pytest.mark.parametrize("equation", ["bid,hde->bihe", "bid,ed->bie", "bid,hde->bie"])
def test_weights_come_out_turned(equation: str) -> None:
    after = rewritten(einsum(equation, 1), write_einsums, 1e-4)
    assert not ops(after).keys() & {"Transpose", "ReduceSum"}
    assert [constant(n.inputs[1]) is None for n in after.graph if n.op_type == "MatMul"] == [False]


def test_einsums_named_as_an_export_numbers_them_get_names_of_their_own() -> None:
    source = model(
        """agraph (float[2,4,6] x, float[2,5,6] k) => (float[2,4,5] Einsum_1) {
            Einsum = Einsum <equation = "bid,bid->bid"> (x, x)
            Einsum_1 = Einsum <equation = "bid,bjd->bij"> (Einsum, k)
        }"""
    )
    names = [o.name for n in rewritten(source, write_einsums, 1e-4).graph for o in n.outputs]
    assert len(set(names)) == len(names)


def test_plain_attention_needs_no_reshape() -> None:
    assert ops(rewritten(einsum("bhid,bhjd->bhij"), write_einsums, 1e-4)) == {
        "Transpose": 1,
        "MatMul": 1,
    }


def test_an_open_batch_stays_open() -> None:
    source = model(
        """agraph (float[N,4,6] x, float[N,5,6] k) => (float[N,4,5] y) {
            y = Einsum <equation = "bid, bjd -> bij"> (x, k)
        }"""
    )
    assert "Einsum" not in ops(rewritten(source, write_einsums, 1e-4))


@pytest.mark.parametrize("equation", ["...id,...jd->...ij", "bii->bi"])
def test_what_is_no_plain_product_stays(equation: str) -> None:
    operands = "x, x" if "," in equation else "x"
    text = f'''agraph (float[2,4,4] x) => (float[A,B,C] y) {{
        y = Einsum <equation = "{equation}"> ({operands})
    }}'''.replace("[A,B,C]", "[2,4,4]" if "," in equation else "[2,4]")
    source = model(text)
    write_einsums(source)
    assert ops(source) == {"Einsum": 1}


def test_a_repeated_dimension_of_size_1_stays() -> None:
    source = model(
        """agraph (float[1,2] x, float[5,3] k) => (float[5,2,3] y) {
            y = Einsum <equation = "bi, bj -> bij"> (x, k)
        }"""
    )
    assert ops(rewritten(source, write_einsums)) == {"Einsum": 1}
