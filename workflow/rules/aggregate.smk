"""From the scores of all trials to tables and figures.

Reads:  results/{experiment}/{strategy}/trial_{trial}/metrics.h5
Writes: results/{experiment}/summary.h5, summary.csv                          schema summary
        results/{experiment}/learning_curves.svg, learning_curves.png
        results/{experiment}/comparison.csv, comparison.svg, comparison.png
        results/overview_{protocol}.svg, overview_{protocol}.png              of all experiments
"""


rule aggregate_metrics:
    input:
        metrics=by_experiment(STUDY.metrics),
    output:
        summary="results/{experiment}/summary.h5",
        table=report(
            "results/{experiment}/summary.csv",
            caption="../report/summary.rst",
            category="{experiment}",
            labels={"product": "table of all scores"},
        ),
    log:
        "logs/{experiment}/summary.log",
    benchmark:
        "logs/{experiment}/summary.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategies=by_experiment(STUDY.strategies),
        trials=list(range(CONFIG["run"]["trials"])),
    script:
        "../scripts/aggregate_metrics.py"


rule plot_learning_curves:
    input:
        summary="results/{experiment}/summary.h5",
    output:
        svg=report(
            "results/{experiment}/learning_curves.svg",
            caption="../report/learning_curves.rst",
            category="{experiment}",
            labels={"product": "learning curves"},
        ),
        png="results/{experiment}/learning_curves.png",
    log:
        "logs/{experiment}/learning_curves.log",
    benchmark:
        "logs/{experiment}/learning_curves.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    script:
        "../scripts/plot_learning_curves.py"


rule compare_strategies:
    input:
        summary="results/{experiment}/summary.h5",
    output:
        table=report(
            "results/{experiment}/comparison.csv",
            caption="../report/comparison.rst",
            category="{experiment}",
            labels={"product": "table of paired comparisons"},
        ),
    log:
        "logs/{experiment}/comparison.log",
    benchmark:
        "logs/{experiment}/comparison.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        seed=seed("compare_strategies"),
    script:
        "../scripts/compare_strategies.py"


rule plot_comparison:
    input:
        table="results/{experiment}/comparison.csv",
    output:
        svg=report(
            "results/{experiment}/comparison.svg",
            caption="../report/comparison.rst",
            category="{experiment}",
            labels={"product": "paired comparisons"},
        ),
        png="results/{experiment}/comparison.png",
    log:
        "logs/{experiment}/comparison_figure.log",
    benchmark:
        "logs/{experiment}/comparison_figure.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    script:
        "../scripts/plot_comparison.py"


rule plot_overview:
    input:
        summaries=STUDY.summaries(),
    output:
        svg=report(
            "results/overview_{protocol}.svg",
            caption="../report/overview.rst",
            category="all experiments",
            labels={"product": "learning curves, protocol {protocol}"},
        ),
        png="results/overview_{protocol}.png",
    log:
        "logs/overview_{protocol}.log",
    benchmark:
        "logs/overview_{protocol}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    script:
        "../scripts/plot_overview.py"
