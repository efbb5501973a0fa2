#!/bin/sh
# Makes the tables and pictures of this study, from the repository's root: sh results/three-qkdns/make.sh
# TWIN=1 takes two replications of a shorter run: what the tests run. QKDNI, RUNS and INTO say which program, where the
# runs go, and where tables and pictures go.
set -eu
here=$(dirname "$0")
qkdni=${QKDNI:-"cargo run --release --quiet --"}
runs=${RUNS:-runs/three-qkdns}
into=${INTO:-$here}
scenario=$here/scenario.json
compare() { $qkdni compare "$@" > /dev/null; }
if [ "${TWIN:-}" = 1 ]; then
    compare() { $qkdni compare "$@" --replications 2 --set "run.duration=14 min" > /dev/null; }
fi
compare "$scenario" "$scenario:direct" --out "$runs/whole"
compare "$scenario:cut" "$scenario:direct+cut" "$scenario:direct+cut+own-keys-only" --out "$runs/cut"

table() { $qkdni table "$@" > /dev/null; }
mkdir -p "$into/tables" "$into/plots"
for run in whole cut; do
    for form in markdown csv; do
        ending=$form
        if [ $form = markdown ]; then ending=md; fi
        for scope in network demand:ljubljana-rijeka demand:trieste-ljubljana demand:trieste-rijeka; do
            table "$runs/$run" --scope $scope --metric served_share --metric kkrd_s --metric link_key_bits_per_key_bit \
                --metric availability --format $form --out "$into/tables/$run-$(echo $scope | tr : -).$ending"
        done
        for qkdn in IT SI HR; do
            table "$runs/$run" --scope qkdn:$qkdn --metric settled_income --metric settled_expense \
                --metric exposed_bits_per_node --metric control_messages --format $form \
                --out "$into/tables/$run-$qkdn.$ending"
        done
    done
    $qkdni plot "$runs/$run" --what compare --into "$into/plots/$run" > /dev/null
    cp "$runs/$run/manifest.json" "$into/$run-manifest.json"
done
for node in IT/Trieste SI/Postojna HR/Rijeka; do
    table "$runs/whole" --scope node:$node --metric exposed_bits_per_node --metric retention_s --format markdown \
        --out "$into/tables/exposure-$(echo $node | tr / -).md"
done
table "$runs/whole" --metric cost --format markdown --out "$into/tables/cost.md"
$qkdni plot "$runs/cut" --what reroutes --out "$into/plots/stages.svg" > /dev/null
echo "done: $into"
