"""What can be imported from the package itself."""

import subprocess
import sys
import textwrap

import pytest

import pamlflow


def run(code, *arguments):
    """What `code` prints in a fresh interpreter, and what it says on stderr."""
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def test_importing_the_package_loads_its_version_alone():
    code = """
        import sys, pamlflow
        print(*(name for name in sys.modules if name.startswith(("pamlflow.", "numpy"))))
    """
    assert run(code) == (["pamlflow.versions"], "")


def test_names_are_those_of_their_modules():
    from pamlflow.models.latent_gp.use.trained import TrainedModel
    from pamlflow.tasks import Variable

    assert pamlflow.Variable is Variable and pamlflow.TrainedModel is TrainedModel
    assert set(pamlflow.__all__) <= set(dir(pamlflow))
    for name in pamlflow.__all__:
        assert getattr(pamlflow, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'learner'"):
        _ = pamlflow.learner
    with pytest.raises(ImportError, match="cannot import name 'Lerner'"):
        from pamlflow import Lerner  # noqa: F401


def test_the_initial_tasks_of_a_robot_need_no_tensorflow(tmp_path):
    code = """
        import sys
        import numpy as np
        from pamlflow import Box, Learner, Pool, RecordingError, TaskSet, TrainedModel, Variable
        box = Box((Variable("mass", "kg"),), [1.0], [2.0])
        learner = Learner(sys.argv[1], box, [Variable("x", "m")], [Variable("x", "m")])
        rng = np.random.default_rng(0)
        for _ in range(4):
            learner.tell(learner.ask(), rng.random((9, 1)), rng.random((9, 1)))
        print(learner.num_tasks, any(name in sys.modules for name in ("tensorflow", "gpflow")))
    """
    assert run(code, str(tmp_path)) == (["4", "False"], "")
