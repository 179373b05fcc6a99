import copy
import datetime
import math
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pamlflow import settings
from pamlflow.acquisition import STRATEGIES
from pamlflow.configuration.readme import markdown
from pamlflow.configuration.validation import ConfigurationError, schema, validated
from pamlflow.domains import DOMAINS
from pamlflow.models import DEFAULT_KIND
from pamlflow.models.latent_gp.settings import (
    ModelSettings,
    StochasticSettings,
    TrainingSettings,
)
from pamlflow.names import ORACLE

ROOT = Path(__file__).parents[3]
STUDY = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
MINIMAL = {
    "run": {"experiments": ["tiny"]},
    "experiments": {
        "tiny": {
            "domain": "cart_pole",
            "space": {"pole_mass": [0.5, 5], "pole_length": [0.5, 2]},
            "test_grid": [3, 3],
        }
    },
}
TINY = ("experiments", "tiny")


def changed(*changes):
    """The minimal configuration with each (key, value) set, or removed where the value is `...`."""
    config = copy.deepcopy(MINIMAL)
    for key, value in changes:
        section = config
        for name in key[:-1]:
            section = section.setdefault(name, {})
        if value is ...:
            del section[key[-1]]
        else:
            section[key[-1]] = value
    return config


def problems(config):
    with pytest.raises(ConfigurationError) as caught:
        validated(config)
    return [line.strip() for line in str(caught.value).splitlines()[1:]]


def test_the_study_states_every_value_and_defaults_change_none():
    """Later experiments may leave out what the first one states."""
    filled = validated(STUDY)
    assert filled["experiments"].keys() == STUDY["experiments"].keys()
    for name, experiment in STUDY["experiments"].items():
        left_out = {
            key: filled["experiments"]["cart_pole"][key] for key in ("descriptors", "failed_tasks")
        }
        stated = {**left_out, **experiment}
        stated["descriptors"] = {**left_out["descriptors"], **stated["descriptors"]}
        assert filled["experiments"][name] == stated
    assert filled["experiments"]["cart_pole"] == STUDY["experiments"]["cart_pole"]
    others = {key: value for key, value in STUDY.items() if key != "experiments"}
    assert {**filled, "experiments": None} == {**others, "experiments": None}


def test_the_papers_schedule_is_a_study_too():
    overlay = yaml.safe_load((ROOT / "config" / "paper_schedule.yaml").read_text(encoding="utf-8"))
    filled = validated({**STUDY, **overlay})
    assert filled["training"]["bound"] == "stochastic"
    assert filled["training"]["stochastic"] == asdict(StochasticSettings())
    assert filled["model"]["inducing_points"] == 300
    assert filled["inference"]["objective"] == "elbo"


def test_defaults_are_those_of_the_library():
    filled = validated(MINIMAL)
    assert filled["model"] == {"kind": DEFAULT_KIND, **asdict(ModelSettings())}
    assert filled["training"] == asdict(TrainingSettings())
    assert settings.InferenceSettings(**filled["inference"]) == settings.InferenceSettings()
    assert filled["run"]["strategies"] == [
        *(it.name for it in STRATEGIES.values() if it.compared),
        ORACLE,
    ]


def test_names_are_those_of_the_library():
    experiment = schema()["properties"]["experiments"]["additionalProperties"]["properties"]
    assert list(experiment["domain"]["x-names"]) == sorted(DOMAINS)
    chooser = schema()["properties"]["strategies"]["additionalProperties"]["properties"]["strategy"]
    assert set(chooser["x-names"]) == set(STRATEGIES)
    assert set(settings.WORLD_KEYS) <= set(experiment)


def test_a_configuration_is_checked_without_the_simulators_of_the_library():
    code = (
        "import sys, pamlflow.configuration.validation, pamlflow.configuration.preflight;"
        "sys.exit('mujoco' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.permutations(list(STUDY)), st.permutations(list(STUDY["model"])))
def test_the_order_of_keys_does_not_matter(sections, keys):
    shuffled = {section: STUDY[section] for section in sections}
    shuffled["model"] = {key: STUDY["model"][key] for key in keys}
    assert repr(validated(shuffled)) == repr(validated(STUDY))


def test_numbers_have_the_type_of_the_schema():
    simulation = {"steps": 50.0, "time_step": 1}
    batches = ("training", "stochastic", "batch_tasks")
    study = validated(changed(((*TINY, "simulation"), simulation), (batches, 2.0)))
    assert repr(study["training"]["stochastic"]["batch_tasks"]) == "2"
    filled = study["experiments"]["tiny"]
    assert repr(filled["simulation"]["steps"]) == "50"
    assert repr(filled["simulation"]["time_step"]) == "1.0"
    assert repr(filled["space"]["pole_mass"]) == "[0.5, 5.0]"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (("run", "trails"), 3, "run.trails: unknown key; did you mean 'trials'?"),
        (
            ("strategies",),
            {"paml": {"options": {"num_candidate": 3}}},
            "strategies.paml.options.num_candidate: unknown key; did you mean 'num_candidates'?",
        ),
        (("trainning",), {}, "trainning: unknown key; did you mean 'training'?"),
        ((*TINY, "trials"), 3, "experiments.tiny.trials: unknown key; did you mean 'run.trials'?"),
        ((*TINY, "domain"), ..., "experiments.tiny.domain: missing, expected"),
        (("run",), ..., "run: missing, expected a section of keys"),
        (
            ("run", "trials"),
            0,
            "run.trials: expected a whole number at least 1 and at most 100, found 0",
        ),
        (("run", "trials"), "10", "run.trials: expected a whole number"),
        (("run", "trials"), "10", "found the text '10'; write numbers without quotes"),
        (("run", "trials"), True, "found true"),
        (("run", "trials"), 2.5, "found 2.5"),
        (("model",), None, "model: expected a section of keys, found nothing"),
        (
            ("model", "noise_floor"),
            math.nan,
            "expected a number at least 1e-10 and at most 0.5, found NaN",
        ),
        (
            ("model", "noise"),
            "task_scale",
            "found the text 'task_scale'; did you mean 'task_scaled'?",
        ),
        ((*TINY, "domain"), "cartpole", "found the text 'cartpole'; did you mean 'cart_pole'?"),
        (
            ("run", "strategies"),
            ["palm"],
            "run.strategies[0]: unknown name 'palm'; did you mean 'paml'?",
        ),
        (("run", "strategies"), ["paml", "paml"], "run.strategies: expected each entry once"),
        (
            ("run", "experiments"),
            ["tinny"],
            "run.experiments[0]: unknown name 'tinny'; did you mean 'tiny'?",
        ),
        (("run", "experiments"), [], "run.experiments: expected a list, each a name, found []"),
        (("strategies",), {"oracle": {"strategy": "a:b"}}, "strategies.oracle: this name is taken"),
        (
            ("strategies",),
            {"initial": {"strategy": "a:b"}},
            "strategies.initial: this name is taken",
        ),
        (("strategies",), {"mine": "a:b"}, "strategies.mine: expected a section of keys"),
        (("strategies",), {"mine": {}}, "strategies.mine.strategy: missing, expected"),
        (
            ("strategies",),
            {"uniform": {"strategy": "paml"}},
            "strategies.uniform.strategy: uniform is a strategy itself, choose another name",
        ),
        (
            ("strategies",),
            {"mine": {"strategy": "uniform", "options": {"num_candidates": 9}}},
            "strategies.mine.options.num_candidates: unknown key (known here: none)",
        ),
        (
            ("strategies",),
            {"paml": {"options": {"num_candidates": 0}}},
            "strategies.paml.options.num_candidates: expected a whole number from 1 to 100000",
        ),
        (
            ("strategies",),
            {"mine": {"strategy": "paml", "acquisition": {}}},
            "strategies.mine.acquisition: unknown key: what a strategy can be told is in",
        ),
        (("acquisition",), {"candidates": "latent"}, "acquisition: unknown key: what a strategy"),
        (
            ("strategies",),
            {"mine": {"strategy": "a.b"}},
            'strategies.mine.strategy: expected "latin_hypercube" or "paml" or "paml_desc',
        ),
        (
            ("strategies",),
            {"mine": {"strategy": "plam"}},
            "did you mean 'paml'?",
        ),
        (
            ("strategies",),
            {"mine": {"strategy": "paml", "options": {"candidate": "latent"}}},
            "strategies.mine.options.candidate: unknown key; did you mean 'candidates'?",
        ),
        (
            ("experiments", "Tiny"),
            MINIMAL["experiments"]["tiny"],
            "experiments.Tiny: expected a name of",
        ),
        (
            (*TINY, "space", "pole_mass"),
            [5, 0.5],
            "space.pole_mass: expected low < high, found [5.0, 0.5]",
        ),
        ((*TINY, "space", "pole_mass"), [1], "space.pole_mass: expected a range"),
        (
            (*TINY, "space", "pole_mass"),
            ["5e-1", 5.0],
            "space.pole_mass[0]: expected a number, found the text '5e-1'; write numbers without",
        ),
        ((*TINY, "space"), {1: [0.5, 5.0]}, "one number for each variable of space (1), found"),
        ((*TINY, "descriptors"), {"hidden": [1]}, "hidden[0]: expected a name, found 1"),
        (
            (*TINY, "descriptors"),
            {"hidden": [["pole_mass"]]},
            "descriptors.hidden[0]: expected a name",
        ),
        (
            (*TINY, "test_grid"),
            [10],
            "expected one number for each variable of space (pole_mass, pole_length)",
        ),
        (
            (*TINY, "descriptors"),
            {"hidden": ["pole_mas"]},
            "descriptors.hidden[0]: 'pole_mas' is no variable of space; did you mean 'pole_mass'?",
        ),
        (
            (*TINY, "descriptors"),
            {"hidden": ["pole_mass", "pole_length"]},
            "descriptors.hidden: at least one variable of space must be seen",
        ),
        (
            (*TINY, "descriptors"),
            {"superfluous": {"pole_mass": [0, 1]}},
            "descriptors.superfluous.pole_mass: this is a variable of space",
        ),
        (
            (*TINY, "descriptors"),
            {"superfluous": {"round": [0, 1]}},
            "descriptors.superfluous.round: tables have a column of this name, choose another one",
        ),
        (
            (*TINY, "descriptors"),
            {"superfluous": {"epsilon": [1, 0]}},
            "descriptors.superfluous.epsilon: expected low < high, found [1.0, 0.0]",
        ),
        (
            (*TINY, "descriptors"),
            {"pictures": {"size": 1}},
            "descriptors.pictures.size: expected a multiple of 8, found 1",
        ),
        (
            (*TINY, "descriptors"),
            {"pictures": {"renderer": "ray"}},
            "pictures.renderer: expected \"rays\" or \"gl\", found the text 'ray'; did you mean 'rays'?",
        ),
        (
            (*TINY, "descriptors"),
            {"pictures": {}},
            "descriptors.pictures: tasks seen as pictures are",
        ),
        (
            (*TINY, "descriptors"),
            {"pictures": {}, "hidden": ["pole_mass"]},
            "descriptors.hidden: does not go together with pictures",
        ),
        (
            (*TINY, "descriptors"),
            {"pictures": {}, "superfluous": {"epsilon": [0, 1]}},
            "descriptors.superfluous: does not go together with pictures",
        ),
        (
            (*TINY, "fixed"),
            {"pole_mass": "1"},
            "fixed.pole_mass: expected a number, found the text '1'",
        ),
        ((*TINY, "fixed"), {"pole_mass": 1}, "fixed.pole_mass: this is a variable of space"),
        ((*TINY, "pool"), 0, "pool: expected a whole number at least 1 and at most 10000, found 0"),
        (
            (*TINY, "pool"),
            18,
            "expected at least 19 for 4 initial_tasks and 15 added_tasks, found 18",
        ),
        (
            (*TINY, "pool"),
            100,
            "tiny.strategies: latin_hypercube asks for points of a box, and does not apply",
        ),
        (
            (*TINY, "strategies"),
            ["palm"],
            "experiments.tiny.strategies[0]: unknown name 'palm'; did you mean 'paml'?",
        ),
        (
            (*TINY, "strategies"),
            3,
            "experiments.tiny.strategies: expected a list, each a name, found 3",
        ),
        ((*TINY, "descriptors"), "full", "descriptors: expected a section of keys, found the text"),
        ((*TINY, "failed_tasks"), "skip", 'failed_tasks: expected "stop" or "replace"'),
        (("inference", "protocols"), ["papr"], "inference.protocols[0]: expected one of"),
        (
            ("inference", "protocols"),
            ["few_shot_51"],
            "'few_shot_51' takes more than half of the 100",
        ),
    ],
)
def test_each_problem_is_told_with_its_key_and_a_way_out(key, value, expected):
    found = problems(changed((key, value)))
    assert any(expected in problem for problem in found), found


POOLED = ((*TINY, "pool"), 19), ((*TINY, "strategies"), ["paml", "uniform"])
HUGE = 10**400
STOCHASTIC = (("training", "bound"), "stochastic")
OWN = ((*TINY, "domain"), "my.robot:Arm")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        (
            (*TINY, "space", "pole_mass"),
            [0.5, HUGE],
            "space.pole_mass[1]: expected a number, found 1",
        ),
        (("training", "first_iterations"), HUGE, "first_iterations: expected a whole number at"),
        (("seed",), HUGE, "0000... (321 more characters)"),
        (("run", "trials"), 101, "at most 100, found 101; names of files have two digits for the"),
        ((*TINY, "added_tasks"), 100, "names of files have two digits for the round"),
        (("model", "inducing_points"), 5001, "its time grows with the cube of M"),
        (
            ("strategies",),
            {"mine\n": {"strategy": "a:b"}},
            "strategies.'mine\\n': expected a name of",
        ),
        (("strategies",), {"m" * 65: {"strategy": "a:b"}}, "underscores, at most 64 of them"),
        (("strategies",), {"mine": {"strategy": "a:b\n"}}, "found the text 'a:b\\n'"),
        (("strategies",), {"mine": {"strategy": "uniform\n"}}, "found the text 'uniform\\n'"),
        (
            ("strategies",),
            {1: {"strategy": "a:b"}},
            "strategies.1: expected a name, found 1, which",
        ),
        (
            ("strategies",),
            {None: {}},
            "strategies.None: expected a name, found nothing, which is no",
        ),
        (
            ("model",),
            {True: 1},
            "model.True: expected a name, found true, which is no text; write it",
        ),
        ((*TINY, "space"), {datetime.date(2020, 1, 1): [0, 1]}, 'found "2020-01-01", which is no'),
        ((*TINY, "space", "pole_mass\n"), [1, 2], "space.'pole_mass\\n': expected a name without"),
        ((*TINY, "fixed"), {" gravity": 1}, "fixed. gravity: expected a name without spaces at"),
        (("inference", "protocols"), ["paper\n"], "protocols[0]: expected one of"),
        (("inference", "protocols"), ["few_shot_\u0663"], "protocols[0]: expected one of"),
        (("inference", "protocols"), ["few_shot_07"], "protocols[0]: expected one of"),
        (("inference", "protocols"), ["few_shot_" + "9" * 5000], "(4931 more characters)"),
        (
            ("inference", "protocols"),
            ["few_shot_0", "few_shot_0_descriptor"],
            "protocols: few_shot_0 and few_shot_0_descriptor are the same; keep the first",
        ),
        (
            (*TINY, "descriptors"),
            {"superfluous": {"Epsilon": [0, 1]}},
            "superfluous.Epsilon: expected a name of lower-case letters, digits, underscores",
        ),
        (
            (*TINY, "descriptors"),
            {"superfluous": {f"e{n}": [0, 1] for n in range(21)}},
            "superfluous: expected at most 20 keys, found 21; a Gaussian process learns nothing of",
        ),
        ((*TINY, "strategies"), [{"paml": 1}], "tiny.strategies[0]: expected a name, found"),
        ((*TINY, "test_grid"), [[3], 3], "test_grid[0]: expected a whole number at least 2"),
        (
            (*TINY, "test_grid"),
            [1000, 11],
            "test_grid: expected at most 10000 test tasks, found 11000",
        ),
        ((*TINY, "space", "pole_mass"), [-1, 2], "pole_mass: expected a mass or a length between"),
        (
            (*TINY, "space", "pole_mass"),
            [0.5, 5e6],
            "between 0.001 and 1000 kg or m, found [0.5, 5",
        ),
        (
            (*TINY, "space", "pole_mass"),
            [1, 1.0000000000000002],
            "pole_mass: expected a range whose ends differ in more than their last digits",
        ),
        (
            (*TINY, "simulation"),
            {"time_step": 3},
            "at most 0.25 s for each of the 10 substeps, found",
        ),
        ((*TINY, "simulation"), {"time_step": 1e-5}, "found 100 steps of 1e-05 s"),
        (
            (*TINY, "simulation"),
            {"initial_noise": 4},
            "beyond which angles are spread over the whole",
        ),
    ],
)
def test_what_means_nothing_is_refused_with_a_reason(key, value, expected):
    found = problems(changed((key, value)))
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            (OWN, ((*TINY, "space"), {"k": [-1e308, 1e308], "m": [0, 1]})),
            "space.k: expected numbers of at most 1e+100, found [-1e+308, 1e+308]",
        ),
        (
            (OWN, ((*TINY, "space"), {"k": [1e-320, 2e-320], "m": [0, 1]})),
            "space.k: expected a range whose ends differ in more than their last digits",
        ),
        ((OWN, ((*TINY, "fixed"), {"k": -1e101})), "fixed.k: expected a number of at most 1e+100"),
        (
            (
                OWN,
                ((*TINY, "fixed"), {"k": 1}),
                ((*TINY, "descriptors"), {"superfluous": {"k": [0, 1]}}),
            ),
            "superfluous.k: this is a parameter that is fixed, choose another name",
        ),
        (
            (((*TINY, "simulation"), {"steps": 100_000}), (("model", "inducing_points"), 1200)),
            "steps: a fit of 19 tasks of 100000 transitions with 1200 inducing points has matrices of "
            "16 GiB",
        ),
        (
            (((*TINY, "test_grid"), [100, 100]), (("model", "inducing_points"), 1100)),
            "steps: a fit of 10000 tasks of 100 transitions with 1100 inducing points has matrices",
        ),
        (
            (STOCHASTIC, (("training", "stochastic", "batch_tasks"), 20)),
            "batch_tasks: expected at most 19, all that experiments.tiny has, found 20; write null",
        ),
        (
            (STOCHASTIC, (("training", "stochastic", "batch_transitions"), 101)),
            "batch_transitions: expected at most 100, all that experiments.tiny has, found 101",
        ),
        (
            (
                STOCHASTIC,
                (("training", "stochastic", "learning_rate"), 1e-6),
                (("training", "stochastic", "steps"), 5),
            ),
            "learning_rate: expected at least 0.001 for all 5 steps together, found 1e-06 a step",
        ),
        (
            (*POOLED, ((*TINY, "descriptors"), {"pictures": {"height": 2}})),
            "pictures.height: expected at least 2.18 m, in which all of 2 m is seen, found 2 m",
        ),
        (
            (
                ((*TINY, "pool"), 10_000),
                ((*TINY, "strategies"), ["paml"]),
                ((*TINY, "descriptors"), {"pictures": {"size": 512}}),
            ),
            "size: 10000 pictures of 512 x 512 pixels take 20000 MiB of memory, expected at most 1024",
        ),
    ],
)
def test_what_means_nothing_together_is_refused(changes, expected):
    (problem,) = problems(changed(*changes))
    assert expected in problem


def test_limits_of_the_librarys_domains_are_none_for_ones_own():
    space = {"k": [-5, 2e6], "m m": [1e-15, 3e-15]}
    simulation = {"time_step": 3600, "initial_noise": 50.0}
    assert validated(changed(OWN, ((*TINY, "space"), space), ((*TINY, "simulation"), simulation)))


def test_a_batch_that_is_not_used_is_not_compared():
    assert validated(changed((("training", "stochastic", "batch_tasks"), 1000)))


HEX = int("f" * 5000, 16)  # more digits than Python writes


def doubled(levels):
    value = [1, 1]
    for _ in range(levels):
        value = [value, value]
    return value


def endless():
    value = {}
    value["again"] = value
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (doubled(18), "expected at most 20000 values, each alias (*) written out, found more"),
        (doubled(50), "expected a few levels of keys and lists, found more than 20"),
        (endless(), "again: an alias (*) stands within what it refers to"),
        (
            [HEX],
            "[0]: expected a number that a computer can hold, found one of thousands of digits",
        ),
        ({HEX: 1}, "model: expected a number that a computer can hold"),
    ],
    ids=["wide", "deep", "endless", "long", "long_key"],
)
def test_what_has_no_end_is_refused_before_it_is_walked(value, expected):
    (problem,) = problems(changed((("model",), value)))
    assert problem.startswith("model") and expected in problem


def test_every_bound_from_above_has_a_reason_in_the_readme():
    def check(node, key):
        if {"maximum", "maxProperties"} & node.keys() and key[-1] != "latent_dimensions":
            assert f". {node['x-limit'][0].upper()}{node['x-limit'][1:]}. |" in markdown(), key
        for name, child in node.get("properties", {}).items():
            check(child, (*key, name))
        if isinstance(node.get("additionalProperties"), dict):
            check(node["additionalProperties"], (*key, "*"))

    check(schema(), ())


def pooled(strategy):
    """A study whose experiment has a pool and a strategy of its own."""
    return changed(
        (("strategies",), {"mine": strategy}),
        ((*TINY, "pool"), 100),
        ((*TINY, "strategies"), ["paml", "mine"]),
    )


def test_candidates_of_a_box_do_not_go_together_with_a_pool():
    (problem,) = problems(pooled({"strategy": "paml_descriptor"}))
    assert "tiny.strategies: mine asks for points of a box, and does not apply" in problem
    assert validated(pooled({"strategy": "paml"}))
    assert validated(pooled({"strategy": "my.module:Mine", "options": {"anything": 1}}))


@pytest.mark.parametrize("broken", ["spring:farthest", {}, {"strategy": 3}, None])
def test_a_broken_strategy_of_ones_own_is_one_problem_beside_a_pool(broken):
    (problem,) = problems(pooled(broken))
    assert problem.startswith("strategies.mine")


def test_all_problems_are_told_at_once():
    config = changed(
        (("run", "trails"), 3),
        (("run", "strategies"), ["paml", "palm"]),
        ((*TINY, "domain"), ...),
        ((*TINY, "test_grid"), [10]),
        (("model", "noise_floor"), "1e-6"),
    )
    keys = [problem.split(":")[0] for problem in problems(config)]
    assert keys == [
        "experiments.tiny.domain",
        "experiments.tiny.test_grid",
        "model.noise_floor",
        "run.strategies[1]",
        "run.trails",
    ]


@given(
    st.dictionaries(st.sampled_from([*STUDY, "x"]), st.none() | st.integers() | st.lists(st.text()))
)
def test_whatever_stands_in_a_section_is_refused_in_words(sections):
    if sections:
        assert problems({**MINIMAL, **sections, "y": 1})


def test_an_experiment_with_a_pool_names_its_own_strategies():
    pictures = ((*TINY, "descriptors"), {"pictures": {"height": 5}})
    experiment = validated(changed(*POOLED, pictures))["experiments"]["tiny"]
    assert experiment["pool"] == 19 and experiment["strategies"] == ["paml", "uniform"]
    assert experiment["descriptors"]["pictures"] == {"size": 64, "height": 5.0, "renderer": "rays"}


def test_a_pool_has_no_replacements():
    found = problems(changed(*POOLED, ((*TINY, "failed_tasks"), "replace")))
    assert found == [
        'experiments.tiny.failed_tasks: the tasks of a pool are given, expected "stop"'
    ]


def test_a_design_may_be_named_in_the_study_if_the_experiment_with_a_pool_is_not_run():
    config = changed(((*TINY, "pool"), 19))
    config["experiments"]["other"] = MINIMAL["experiments"]["tiny"]
    assert validated({**config, "run": {"experiments": ["other"]}})
    with pytest.raises(ConfigurationError, match="latin_hypercube asks for points of a box"):
        validated(config)
    config["strategies"] = {"longer": {"strategy": "latin_hypercube"}}
    config["experiments"]["tiny"]["strategies"] = ["paml", "longer"]
    with pytest.raises(
        ConfigurationError, match="longer asks for points of a box, and does not apply"
    ):
        validated(config)


def test_options_stay_as_they_are_written():
    """They are for the strategy's own settings, which may be a user's, to check and to fill in."""
    section = {"mine": {"strategy": "own.module:Name", "options": {"b": 2, "a": [1.5, "text"]}}}
    assert validated({**MINIMAL, "strategies": section})["strategies"] == section
    named = validated({**MINIMAL, "strategies": {"paml": {}}})["strategies"]
    assert named == {"paml": {"options": {}}}


def test_what_an_experiment_does_not_use_is_not_filled_in():
    """Keys that came later must not change the parameters of jobs that ran before."""
    experiment = validated(MINIMAL)["experiments"]["tiny"]
    assert not {"fixed", "pool", "strategies"} & experiment.keys()
    assert experiment["descriptors"] == {"hidden": [], "superfluous": {}}


def test_a_context_of_half_the_transitions_is_allowed():
    protocols = ["few_shot_50", "few_shot_50_descriptor", "prior", "full"]
    config = changed((("inference", "protocols"), protocols))
    short = {**MINIMAL["experiments"]["tiny"], "simulation": {"steps": 10}}
    assert validated({**config, "experiments": {**config["experiments"], "not_run": short}})


def test_a_context_of_half_the_transitions_of_all_runs_is_allowed():
    context = (("inference", "protocols"), ["few_shot_20"])
    assert validated(changed(((*TINY, "simulation"), {"steps": 20, "runs": 2}), context))
    found = problems(changed(((*TINY, "simulation"), {"steps": 19, "runs": 2}), context))
    assert "'few_shot_20' takes more than half of the 38 transitions" in found[0]


def test_every_object_refuses_unknown_keys_and_describes_its_own():
    def check(node, key):
        if node.get("type") == "object":
            assert "additionalProperties" in node or key[-1] == "options", key
        for name, child in node.get("properties", {}).items():
            assert child.get("description"), (*key, name)
            check(child, (*key, name))
        if isinstance(node.get("additionalProperties"), dict):
            check(node["additionalProperties"], (*key, "*"))

    check(schema(), ())


def test_the_readme_is_current():
    readme = (ROOT / "config" / "README.md").read_text(encoding="utf-8")
    assert readme == markdown(), "run `make docs`"
