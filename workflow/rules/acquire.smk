"""Training, and the selection of one task after another.

Round r is the state after r acquisitions; round 00 is trained once for all strategies.
Reads:  data/{experiment}/trial_{trial}/{initial_tasks,design,pool}.h5, data/{experiment}/test_tasks.h5
Writes: results/{experiment}/initial/trial_{trial}/round_00.h5               schema round
        results/{experiment}/oracle/trial_{trial}/round_00.h5                schema round
        results/{experiment}/{strategy}/trial_{trial}/round_{round}.h5       schema round
"""


rule train_initial_round:
    input:
        tasks="data/{experiment}/trial_{trial}/initial_tasks.h5",
        pool=by_trial(STUDY.pool),
    output:
        "results/{experiment}/initial/trial_{trial}/round_00.h5",
    log:
        "logs/{experiment}/initial/trial_{trial}/round_00.log",
    benchmark:
        "logs/{experiment}/initial/trial_{trial}/round_00.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        model=by_experiment(STUDY.model),
        training=STUDY.first_training,
        seed=seed("train_initial_round"),
        version=TRAINING_VERSION,
    script:
        "../scripts/train_initial_round.py"


use rule train_initial_round as train_oracle with:
    input:
        tasks="data/{experiment}/test_tasks.h5",
        pool=[],
    output:
        "results/{experiment}/oracle/trial_{trial}/round_00.h5",
    log:
        "logs/{experiment}/oracle/trial_{trial}/round_00.log",
    benchmark:
        "logs/{experiment}/oracle/trial_{trial}/round_00.tsv"
    # The longest job by far: started last, it would leave the other cores idle.
    priority: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        model=by_experiment(STUDY.model),
        training=STUDY.first_training,
        seed=seed("train_oracle"),
        version=TRAINING_VERSION,


rule acquire_round:
    input:
        previous=by_wildcards(STUDY.previous_round),
        initial_tasks="data/{experiment}/trial_{trial}/initial_tasks.h5",
        design=by_trial(STUDY.design),
        pool=by_trial(STUDY.pool),
    output:
        "results/{experiment}/{strategy}/trial_{trial}/round_{round}.h5",
    log:
        "logs/{experiment}/{strategy}/trial_{trial}/round_{round}.log",
    benchmark:
        "logs/{experiment}/{strategy}/trial_{trial}/round_{round}.tsv"
    wildcard_constraints:
        round=r"(?!00)\d{2}",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=60,
    params:
        strategy=strategy,
        experiment=by_experiment(STUDY.world),
        model=by_experiment(STUDY.model),
        training=STUDY.training(),
        options=options,
        seed=seed("acquire_round"),
        version=TRAINING_VERSION,
    script:
        "../scripts/acquire_round.py"
