"""What to do next, and that each command can be typed."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from edgesdk.cli import command_line
from edgesdk.report.advice import advise
from edgesdk.report.contents import Report
from edgesdk.report.network import Node, Value
from edgesdk_quant.recipe import Recipe
from edgesdk_runtimes.errors import ModelError
from tests.edgesdk.report import examples

BARE = replace(examples.report(), verification=None, benchmark=None)
UNLABELLED = replace(examples.report(), verification=examples.verification(None))
FEW = replace(examples.report(), verification=examples.verification(samples=10))
FINE = replace(examples.report(), verification=examples.verification(91.0))


def findings(report: Report) -> str:
    return " ".join(advice.finding for advice in advise(report))


FOUR_BITS = replace(examples.report(), recipe=Recipe.load("w4a8").to_toml())


@pytest.mark.parametrize("report", [BARE, UNLABELLED, FEW, FINE, FOUR_BITS, examples.report()])
def test_every_command_is_one_that_the_command_line_takes(report: Report) -> None:
    commands = [advice.command for advice in advise(report) if advice.command]
    assert commands
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "edgesdk"
        command_line().parse_args(arguments)


def test_nothing_compared_and_nothing_timed_are_said() -> None:
    assert "Nothing was compared" in findings(BARE)
    assert "not timed" in findings(BARE)


def test_without_labels_agreement_is_what_is_judged() -> None:
    assert "no accuracy" in findings(UNLABELLED)
    assert "5.00 % of the samples have another best class" in findings(UNLABELLED)


def test_four_bits_that_lose_lead_to_the_accuracy_aware_loop() -> None:
    commands = [advice.command for advice in advise(FOUR_BITS)]
    assert any("--recipe w4a8 --max-drop 0.5" in command for command in commands)
    fine = replace(FOUR_BITS, verification=examples.verification(91.0))
    assert not any("--max-drop" in advice.command for advice in advise(fine))


def test_what_is_lost_can_be_learnt_back() -> None:
    learnt = [a.command for a in advise(examples.report()) if "edgesdk finetune" in a.command]
    assert len(learnt) == 1
    for report in (FEW, FINE):
        assert not any("finetune" in advice.command for advice in advise(report))


def test_a_loss_gives_a_recipe_that_can_be_read() -> None:
    (lost,) = (advice for advice in advise(examples.report()) if advice.recipe)
    assert "1.00 % of the samples are lost" in lost.finding
    recipe = Recipe.parse(lost.recipe)
    assert recipe.override_for("conv").quantize == "none"
    assert recipe.override_for("other").quantize == "all"


@pytest.mark.parametrize(
    ("cause", "method"), [("saturation", "minmax"), ("outliers", "percentile")]
)
def test_the_remedy_follows_the_cause(cause: str, method: str) -> None:
    (lost,) = (advice for advice in advise(examples.report(cause=cause)) if advice.recipe)
    assert Recipe.parse(lost.recipe).override_for("conv").activation_range == method


def test_narrow_weights_are_widened_before_a_layer_is_left_in_float() -> None:
    narrow = examples.RECIPE.replace("bits = 8\n\n[activations]", "bits = 4\n\n[activations]")
    (lost,) = (a for a in advise(replace(examples.report(), recipe=narrow)) if a.recipe)
    assert Recipe.parse(lost.recipe).override_for("conv").weight_bits == 8


def test_inherited_noise_has_no_remedy_of_its_own() -> None:
    assert not [advice for advice in advise(examples.report(cause="inherited")) if advice.recipe]


def test_a_few_samples_prove_nothing() -> None:
    assert not [advice for advice in advise(FEW) if advice.recipe]
    assert "0 of 10 samples are lost" in findings(FEW)


def test_where_nothing_is_lost_on_many_samples_a_smaller_recipe_is_proposed() -> None:
    assert "0 of 1000 samples are lost against the float model: there is room" in findings(FINE)
    assert "there is room" not in findings(examples.report())


@pytest.mark.parametrize(
    ("samples", "seen", "claim"),
    [
        (8, True, "0 of 8 samples, which calibration saw, are lost"),
        (8, False, "0 of 8 samples are lost"),
        (1000, True, "0 of 1000 samples, which calibration saw, are lost"),
    ],
)
def test_few_samples_and_those_of_calibration_are_no_proof_that_nothing_is_lost(
    samples: int, seen: bool, claim: str
) -> None:
    proof = replace(FINE.verification or examples.verification(), samples=samples)
    report = replace(FINE, verification=proof, on_calibration=seen)
    assert claim in findings(report)
    assert "there is room" not in findings(report)
    (advice,) = (a for a in advise(report) if claim in a.finding)
    assert ("37.4 %" in advice.action) == (samples == 8)
    assert "calibration did not see" in advice.action


@pytest.mark.parametrize(("samples", "lost", "most"), [(250, 1, "1.9 %"), (1000, 5, "1.1 %")])
def test_where_a_few_are_lost_more_of_others_may_be(samples: int, lost: int, most: str) -> None:
    proof = replace(examples.verification(91.0 - 100 * lost / samples), samples=samples)
    report = replace(FINE, verification=proof, on_calibration=True)
    (advice,) = (a for a in advise(report) if f"{lost} of {samples} samples" in a.finding)
    assert f"up to {most} may be" in advice.action


def test_what_is_not_fused_is_counted() -> None:
    assert "1 of 1 Conv are left" in findings(examples.report())


def test_a_runtime_that_refuses_is_named_with_its_reason() -> None:
    proof = examples.verification()
    failed = replace(proof.results[3], failure=str(ModelError("it lacks FOO")))
    report = replace(examples.report(), verification=replace(proof, results=(failed,)))
    advice = advise(report)[0]
    assert advice.finding == "model.tflite does not run on native."
    assert advice.action == "it lacks FOO"


def test_float_operators_count_where_their_results_are_quantized_again() -> None:
    at_the_end = examples.report()
    assert "between integers" not in findings(at_the_end)
    network = at_the_end.network
    *nodes, output = network.nodes
    again = Node("z_q", "QuantizeLinear", ("z",), (Value("zq", "UINT8", (None, 3, 8, 8)),))
    inside = replace(
        at_the_end, network=replace(network, nodes=(*nodes, again, replace(output, inputs=("zq",))))
    )
    assert "1 of 2 operators compute in float between integers" in findings(inside)
