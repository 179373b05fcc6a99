"""What no strategy can influence, so that all strategies share it.

Reads:  the configuration; data/{experiment}/test_tasks.h5 for a pool of recorded tasks
Writes: data/{experiment}/test_tasks.h5                      schema test_tasks
        data/{experiment}/trial_{trial}/initial_tasks.h5     schema initial_tasks
        data/{experiment}/trial_{trial}/design.h5            schema design
        data/{experiment}/trial_{trial}/pool.h5              schema pool
"""


rule simulate_test_tasks:
    output:
        "data/{experiment}/test_tasks.h5",
    log:
        "logs/{experiment}/test_tasks.log",
    benchmark:
        "logs/{experiment}/test_tasks.tsv"
    # The oracle, the longest job, waits for them.
    priority: 1
    conda:
        "../../environment.yml"
    threads: 1
    params:
        experiment=by_experiment(STUDY.world),
        test_grid=by_experiment(STUDY.test_grid),
        seed=seed("simulate_test_tasks"),
    script:
        "../scripts/simulate_test_tasks.py"


rule simulate_initial_tasks:
    input:
        pool=by_trial(STUDY.pool),
    output:
        "data/{experiment}/trial_{trial}/initial_tasks.h5",
    log:
        "logs/{experiment}/trial_{trial}/initial_tasks.log",
    benchmark:
        "logs/{experiment}/trial_{trial}/initial_tasks.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        experiment=by_experiment(STUDY.world),
        initial_tasks=of_experiment("initial_tasks"),
        seed=seed("simulate_initial_tasks"),
    script:
        "../scripts/simulate_initial_tasks.py"


rule draw_design:
    output:
        "data/{experiment}/trial_{trial}/design.h5",
    log:
        "logs/{experiment}/trial_{trial}/design.log",
    benchmark:
        "logs/{experiment}/trial_{trial}/design.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        experiment=by_experiment(STUDY.world),
        block=DESIGN_BLOCK,
        seed=seed("draw_design"),
    script:
        "../scripts/draw_design.py"


rule draw_pool:
    input:
        test_tasks=lambda wildcards: STUDY.tests_of_pool(wildcards.experiment) or [],
    output:
        "data/{experiment}/trial_{trial}/pool.h5",
    log:
        "logs/{experiment}/trial_{trial}/pool.log",
    benchmark:
        "logs/{experiment}/trial_{trial}/pool.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        experiment=by_experiment(STUDY.world),
        candidates=by_experiment(STUDY.candidates),
        seed=seed("draw_pool"),
    script:
        "../scripts/draw_pool.py"
