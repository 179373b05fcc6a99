"""The scores of every round of a trial on the test tasks, in one process.

Reads:  results/{experiment}/{initial,strategy}/trial_{trial}/round_*.h5, data/{experiment}/test_tasks.h5
Writes: results/{experiment}/{strategy}/trial_{trial}/metrics.h5             schema metrics
"""


rule evaluate_trial:
    input:
        rounds=by_wildcards(STUDY.rounds_of),
        test_tasks="data/{experiment}/test_tasks.h5",
    output:
        "results/{experiment}/{strategy}/trial_{trial}/metrics.h5",
    log:
        "logs/{experiment}/{strategy}/trial_{trial}/metrics.log",
    benchmark:
        "logs/{experiment}/{strategy}/trial_{trial}/metrics.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        inference=CONFIG["inference"],
        seed=seed("evaluate_trial"),
        version=EVALUATION_VERSION,
    script:
        "../scripts/evaluate_trial.py"
