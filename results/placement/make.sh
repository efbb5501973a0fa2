#!/bin/sh
# Makes the tables and pictures of this study. From the repository's root: sh results/placement/make.sh
# TWIN=1 takes a few points of a shorter run: what the tests do. QKDNI, RUNS and INTO say which program, where the sweep
# goes, and where tables and pictures go.
set -eu
here=$(dirname "$0")
qkdni=${QKDNI:-"cargo run --release --quiet --"}
runs=${RUNS:-runs/placement}
into=${INTO:-$here}
scenario=$here/scenario.json site=0,0.1,0.25,0.4,0.5,0.75,1 load=0.1,0.4,0.7,0.9,1.2 replications=4
if [ "${TWIN:-}" = 1 ]; then
    scenario=$scenario:twin site=0.1,0.5 load=0.4,1.2 replications=2
fi

$qkdni sweep "$scenario" --gwn-vs-iwn --replications $replications --out "$runs" \
    --set "boundaries.border.site_at=$site" --set "load=$load"

quietly() { "$@" > /dev/null; }
mkdir -p "$into/tables" "$into/plots"
quietly $qkdni table "$runs" --metric served_share --metric throughput_bps --metric kkrd_s --metric availability \
    --metric link_key_bits_per_key_bit --metric cost --format csv --out "$into/tables/all.csv"
for metric in served_share kkrd_s availability link_key_bits_per_key_bit; do
    quietly $qkdni table "$runs" --metric $metric --format markdown --out "$into/tables/$metric.md"
    quietly $qkdni plot "$runs" --what sweep --metric $metric --into "$into/plots"
done
cp "$runs/manifest.json" "$into/manifest.json"
echo "done: $into"
