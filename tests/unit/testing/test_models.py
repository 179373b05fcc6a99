"""`check_model` passes what keeps the contract, and names the fault of what does not."""

import dataclasses
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from pamlflow.models import KINDS
from pamlflow.models.interface import LatentPosterior
from pamlflow.rows import rows_of
from pamlflow.settings import Settings
from pamlflow.testing import check_model
from pamlflow.testing.toys import ToyModel

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"


def test_the_latent_gp_keeps_the_contract():
    check_model(
        KINDS["latent_gp"],
        settings={"inducing_points": 6, "pictures": {"pretraining_steps": 2}},
        training={"first_iterations": 3, "next_iterations": 2, "starts": 1},
    )


@pytest.mark.slow
def test_the_latent_gp_keeps_the_contract_with_the_stochastic_bound():
    check_model(
        KINDS["latent_gp"],
        settings={"inducing_points": 6, "pictures": {"pretraining_steps": 2}},
        training={"bound": "stochastic", "stochastic": {"steps": 3}},
    )


@pytest.fixture
def ridge(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES)
    import ridge

    yield ridge
    sys.modules.pop("ridge", None)


def test_the_model_of_the_docs_keeps_the_contract(ridge):
    check_model(ridge.RIDGE)
    check_model(ridge.RIDGE, settings={"penalty": 0.1})


def spoilt(ridge, change):
    """The kind with a fit whose model is changed."""

    def fit(*given, **named):
        model, record = ridge.fit(*given, **named)
        return change(model, *given), record

    return dataclasses.replace(ridge.RIDGE, fit=fit)


def with_method(name, method):
    """A change of a model that replaces one method."""

    def change(model, *given):
        own = type("Own", (type(model),), {name: method(model, *given)})
        return own(**vars(model))

    return change


def forgets(model, *given):
    return lambda self: {k: v for k, v in model.to_datasets().items() if k != "ridge/noise"}


def remembers_more(model, *given):
    return lambda self: model.to_datasets() | {"secret": np.zeros(2)}


def remembers_badly(model, *given):
    return lambda self: model.to_datasets() | {"ridge/noise": model.noise.astype(np.float32)}


def one_output(model, *given):
    return lambda self, *asked: tuple(it[..., :1] for it in model.predict(*asked))


def no_noise(model, *given):
    return lambda self, *asked: (model.predict(*asked)[0], np.zeros_like(model.predict(*asked)[0]))


def writes_to_inputs(model, *given):
    def predict(self, inputs, *asked):
        inputs -= 1.0
        return model.predict(inputs, *asked)

    return predict


def a_mood(model, *given):
    rng = np.random.default_rng()

    def predict(self, *asked):
        mean, variance = model.predict(*asked)
        return mean + rng.standard_normal(), variance

    return predict


def takes_all(model, *given):
    return lambda self, *, descriptors=None, data=None, objective="": model.prior(3)


def counts_the_padding(model, *given):
    def infer(self, *, descriptors=None, data=None, objective="predictive"):
        known = model.infer(descriptors=descriptors, data=data)
        return known if data is None else known + data.outputs.sum(axis=(1, 2))[:, None]

    return infer


def pretends_a_latent_variable(model, *given):
    return lambda self, latents: latents


@pytest.mark.parametrize(
    ("method", "change", "said"),
    [
        ("to_datasets", forgets, "dataset 'ridge/noise': expected float64 .*, found nothing"),
        ("to_datasets", remembers_more, "dataset 'secret': expected a row of the kind"),
        ("to_datasets", remembers_badly, "dataset 'ridge/noise': .*found float32"),
        (
            "predict",
            one_output,
            r"from nothing, .* mean: expected \(3, 18, 2\), found \(3, 18, 1\)",
        ),
        ("predict", no_noise, "variance: expected numbers above zero, noise included, found"),
        ("predict", writes_to_inputs, "left as it is .*read-only"),
        ("predict", a_mood, "the same question asked twice: expected the same numbers"),
        ("infer", takes_all, "`infer` from neither descriptors nor data: expected a ValueError"),
        ("infer", counts_the_padding, "that its mask leaves out, data.*a difference of"),
        ("predict_descriptors", pretends_a_latent_variable, "without a latent variable: expected"),
    ],
)
def test_a_fault_of_a_model_is_named(ridge, method, change, said):
    rows = rows_of("ridge/noise  [P]  float64  1  variance") + ridge.ROWS
    kind = dataclasses.replace(spoilt(ridge, with_method(method, change)), rows=rows)
    with pytest.raises(AssertionError, match=f"^model 'ridge': fit from scratch.*{said}"):
        check_model(kind)


def global_random(model, *given):
    return dataclasses.replace(model, noise=model.noise + np.random.uniform())


def own_generator(model, *given):
    return dataclasses.replace(model, noise=model.noise + np.random.default_rng().uniform())


def a_unit_of_its_own(model, *given):
    return dataclasses.replace(model, noise=model.noise + 1.0)


def writes_to_tasks(model, tasks, *given):
    tasks.outputs[0] = 0.0
    return model


def not_finite(model, *given):
    return dataclasses.replace(model, slopes=model.slopes * np.nan)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (global_random, "fit from scratch: expected random numbers from the generator"),
        (own_generator, "fit twice with the same generator: .*`ridge/noise` differs"),
        (a_unit_of_its_own, "fit in other units, .*variance: expected the same predictions"),
        (writes_to_tasks, "fit from scratch: expected what it is given to be left as it is"),
        (not_finite, "mean: expected finite numbers"),
        (lambda model, *_: object(), "a pamlflow.models.interface.Model, found object without"),
    ],
)
def test_a_fault_of_a_fit_is_named(ridge, change, said):
    with pytest.raises(AssertionError, match=f"^model 'ridge': .*{said}"):
        check_model(spoilt(ridge, change))


def test_a_model_that_cannot_go_on_from_its_file_is_named(ridge):
    def load(datasets):
        model = ridge.RIDGE.load(datasets)
        return dataclasses.replace(model, noise=2.0 * model.noise)

    with pytest.raises(AssertionError, match=r"datasets after `load`: .*`ridge/noise` differs"):
        check_model(dataclasses.replace(ridge.RIDGE, load=load))


def test_a_kind_that_no_job_would_find_is_named(ridge):
    kind = dataclasses.replace(ridge.RIDGE)
    with pytest.raises(AssertionError, match="attribute of a module, which jobs can import"):
        check_model(kind)


def test_a_model_that_loads_tensorflow_to_predict_is_named(tmp_path, monkeypatch, ridge):
    (tmp_path / "tensorflow.py").write_text("", encoding="utf-8")  # stands for the real one
    (tmp_path / "heavy_kind.py").write_text(
        "import dataclasses\nimport ridge\n"
        "def load(datasets):\n    import tensorflow\n    return ridge.RIDGE.load(datasets)\n"
        "HEAVY = dataclasses.replace(ridge.RIDGE, load=load)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tensorflow", types.ModuleType("tensorflow"))
    import heavy_kind

    with pytest.raises(AssertionError, match=r"heavy_kind:HEAVY.*no TensorFlow, found tensorflow"):
        check_model(heavy_kind.HEAVY)
    sys.modules.pop("heavy_kind")


def test_pictures_are_taken_if_the_kind_says_so(ridge):
    with pytest.raises(AssertionError, match="fit to tasks with pictures: expected no error"):
        check_model(dataclasses.replace(ridge.RIDGE, pictures=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": dict}, "`settings`: expected a class derived from pamlflow.settings"),
        ({"training": None}, "`training`: expected a class derived from pamlflow.settings"),
        ({"rows": ()}, "`rows`: expected at least one pamlflow.rows.Row"),
    ],
)
def test_what_a_kind_says_of_itself_is_checked(ridge, changes, said):
    with pytest.raises(AssertionError, match=said):
        check_model(dataclasses.replace(ridge.RIDGE, **changes))


def test_settings_reach_the_kind(ridge):
    with pytest.raises(AssertionError, match=r"settings {'penalties': 1}.*unknown key"):
        check_model(ridge.RIDGE, settings={"penalties": 1})


def test_a_kind_says_whether_it_has_a_latent_variable(ridge):
    with pytest.raises(AssertionError, match="as the kind says: latent=True, found None"):
        check_model(dataclasses.replace(ridge.RIDGE, latent=True))


def test_a_latent_variable_is_one_in_all_answers(ridge):
    class Half(ToyModel):
        def prior(self, number):
            return LatentPosterior(np.zeros((number, 1)), np.ones((number, 1)))

    kind = dataclasses.replace(
        ridge.RIDGE,
        latent=True,
        settings=Settings,
        fit=lambda tasks, *_, **__: (
            Half(**vars(ToyModel.of(tasks))),
            ridge.fit(tasks, ridge.RidgeSettings(), None, None)[1],
        ),
    )
    with pytest.raises(AssertionError, match=r"`prior`: expected moments of shape \(3, 2\)"):
        check_model(kind)
