# Thin wrappers: every recipe is also a plain cargo command.

# Train (or resume) and evaluate a manifest: cargo run --release -- run MANIFEST
run manifest *args:
    cargo run --release -- run {{manifest}} {{args}}

# Run an ablation and compare its cells: cargo run --release -- ablate NAME
ablate name *args:
    cargo run --release -- ablate {{name}} {{args}}

# Tables and plots of your runs, into runs/reports: cargo run --release -- report
report *args:
    cargo run --release -- report {{args}}

# Everything CI checks: bash .ci/run
test:
    bash .ci/run

# Speed of the training step; with PyTorch in turn: just bench --python python3
bench *args:
    cargo bench --bench step -- {{args}}

# Every fuzz target for so many seconds (cargo-fuzz): bash fuzz/run.sh SECONDS [TARGET…]
fuzz seconds *targets:
    bash fuzz/run.sh {{seconds}} {{targets}}
