"""From last rounds and scores to figures of what was chosen, and where the models err.

Reads:  results/{experiment}/{strategy}/trial_{trial}/round_{added_tasks}.h5, metrics.h5
        data/{experiment}/test_tasks.h5
Writes: results/{experiment}/latent_space.svg, latent_space.png
        results/{experiment}/choices.svg, choices.png
        results/{experiment}/chosen_values.svg, chosen_values.png
        results/{experiment}/error_maps.svg, error_maps.png
"""


rule plot_latent_space:
    input:
        mapped_round,
    output:
        svg=report(
            "results/{experiment}/latent_space.svg",
            caption="../report/latent_space.rst",
            category="{experiment}",
            labels={"product": "latent space"},
        ),
        png="results/{experiment}/latent_space.png",
    log:
        "logs/{experiment}/latent_space.log",
    benchmark:
        "logs/{experiment}/latent_space.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategy=by_experiment(STUDY.mapped),
    script:
        "../scripts/plot_latent_space.py"


rule plot_choices:
    input:
        last_rounds=last_rounds(STUDY.choosing, STUDY.trials),
    output:
        svg=report(
            "results/{experiment}/choices.svg",
            caption="../report/choices.rst",
            category="{experiment}",
            labels={"product": "tasks chosen"},
        ),
        png="results/{experiment}/choices.png",
    log:
        "logs/{experiment}/choices.log",
    benchmark:
        "logs/{experiment}/choices.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategies=by_experiment(STUDY.choosing),
        trials=list(range(CONFIG["run"]["trials"])),
    script:
        "../scripts/plot_choices.py"


rule plot_chosen_values:
    input:
        last_rounds=last_rounds(STUDY.choosing, STUDY.trials),
    output:
        svg=report(
            "results/{experiment}/chosen_values.svg",
            caption="../report/chosen_values.rst",
            category="{experiment}",
            labels={"product": "values of the chosen tasks"},
        ),
        png="results/{experiment}/chosen_values.png",
    log:
        "logs/{experiment}/chosen_values.log",
    benchmark:
        "logs/{experiment}/chosen_values.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategies=by_experiment(STUDY.choosing),
        trials=list(range(CONFIG["run"]["trials"])),
    script:
        "../scripts/plot_chosen_values.py"


rule plot_error_maps:
    input:
        metrics=by_experiment(STUDY.metrics),
        last_rounds=last_rounds(STUDY.choosing, STUDY.trials[:1]),
        test_tasks="data/{experiment}/test_tasks.h5",
    output:
        svg=report(
            "results/{experiment}/error_maps.svg",
            caption="../report/error_maps.rst",
            category="{experiment}",
            labels={"product": "error on each test task"},
        ),
        png="results/{experiment}/error_maps.png",
    log:
        "logs/{experiment}/error_maps.log",
    benchmark:
        "logs/{experiment}/error_maps.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    params:
        strategies=by_experiment(STUDY.strategies),
        choosing=by_experiment(STUDY.choosing),
        trials=list(range(CONFIG["run"]["trials"])),
    script:
        "../scripts/plot_error_maps.py"
