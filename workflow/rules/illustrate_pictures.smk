"""From pools of pictures, and the models of them, to figures of what the latent space makes of pictures.

Reads:  data/{experiment}/trial_{trial}/pool.h5
        results/{experiment}/{initial,strategy}/trial_{trial}/round_*.h5
Writes: results/{experiment}/montage.svg, montage.png
        results/{experiment}/reconstructions.svg, reconstructions.png
        results/{experiment}/traversal.svg, traversal.png
        results/{experiment}/rank_correlation.csv, rank_correlation.svg, rank_correlation.png
"""


rule plot_montage:
    input:
        "data/{experiment}/trial_00/pool.h5",
    output:
        svg=report(
            "results/{experiment}/montage.svg",
            caption="../report/montage.rst",
            category="{experiment}",
            labels={"product": "pictures of candidates"},
        ),
        png="results/{experiment}/montage.png",
    log:
        "logs/{experiment}/montage.log",
    benchmark:
        "logs/{experiment}/montage.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    script:
        "../scripts/plot_montage.py"


rule plot_reconstructions:
    input:
        last_round=mapped_round,
        pool="data/{experiment}/trial_00/pool.h5",
    output:
        svg=report(
            "results/{experiment}/reconstructions.svg",
            caption="../report/reconstructions.rst",
            category="{experiment}",
            labels={"product": "reconstructed pictures"},
        ),
        png="results/{experiment}/reconstructions.png",
    log:
        "logs/{experiment}/reconstructions.log",
    benchmark:
        "logs/{experiment}/reconstructions.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategy=by_experiment(STUDY.mapped),
    script:
        "../scripts/plot_reconstructions.py"


rule plot_traversal:
    input:
        last_round=mapped_round,
        pool="data/{experiment}/trial_00/pool.h5",
    output:
        svg=report(
            "results/{experiment}/traversal.svg",
            caption="../report/traversal.rst",
            category="{experiment}",
            labels={"product": "pictures over the latent space"},
        ),
        png="results/{experiment}/traversal.png",
    log:
        "logs/{experiment}/traversal.log",
    benchmark:
        "logs/{experiment}/traversal.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategy=by_experiment(STUDY.mapped),
    script:
        "../scripts/plot_traversal.py"


rule rank_candidates:
    input:
        rounds=by_experiment(STUDY.ranked_rounds),
        pools=expand("data/{{experiment}}/trial_{trial}/pool.h5", trial=STUDY.trials),
    output:
        table="results/{experiment}/rank_correlation.csv",
    log:
        "logs/{experiment}/rank_correlation.log",
    benchmark:
        "logs/{experiment}/rank_correlation.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
    params:
        strategies=by_experiment(STUDY.choosing),
        trials=list(range(CONFIG["run"]["trials"])),
        rounds=by_experiment(STUDY.ranked),
    script:
        "../scripts/rank_candidates.py"


rule plot_rank_correlation:
    input:
        table="results/{experiment}/rank_correlation.csv",
        pool="data/{experiment}/trial_00/pool.h5",
    output:
        svg=report(
            "results/{experiment}/rank_correlation.svg",
            caption="../report/rank_correlation.rst",
            category="{experiment}",
            labels={"product": "order of the candidates in latent space"},
        ),
        png="results/{experiment}/rank_correlation.png",
    log:
        "logs/{experiment}/rank_correlation_figure.log",
    benchmark:
        "logs/{experiment}/rank_correlation_figure.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    script:
        "../scripts/plot_rank_correlation.py"
