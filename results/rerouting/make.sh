#!/bin/sh
# Makes the tables and pictures of this study. From the repository's root: sh results/rerouting/make.sh
# TWIN=1 takes a few points and two replications: what the tests run. QKDNI, RUNS and INTO say which program, where the
# sweeps go, and where tables and pictures go.
set -eu
here=$(dirname "$0")
qkdni=${QKDNI:-"cargo run --release --quiet --"}
runs=${RUNS:-runs/rerouting}
into=${INTO:-$here}
control=dd,cd,cc hops=hops-1,hops-3,hops-6 middle=hops-3
length=20,80,160 period=10,100,1000 other=0.01,100 loss=0.01,0.03,0.1 replications=8 few=4 lossy=32
if [ "${TWIN:-}" = 1 ]; then
    control=dd,cc hops=hops-1 middle=hops-1 length=80 period=10,100 other=10 loss=0.1 replications=2 few=2 lossy=2
fi
lengths='boundaries.border.duct.length&boundaries.border-2.duct.length'
beats=protocol.recovery.detection.heartbeat

# GWN against IWN x control x where the cut is x hops x distance between the borders' ends x detection period.
$qkdni sweep "$here/scenario.json" --gwn-vs-iwn --replications $replications --out "$runs/grid" \
    --variants control=$control --variants cut=inside,border --variants hops=$hops \
    --set "$lengths=$length km" --set "$beats.period=$period ms"

# One assumption after the other, at three hops, 80 km and 100 ms.
$qkdni sweep "$here/scenario.json:$middle" --gwn-vs-iwn --replications $few --out "$runs/alone" \
    --variants control=$control --variants cut=inside,border --design one-at-a-time \
    --set "$beats.misses=1" \
    --set 'protocol.recovery.detection={"heartbeat":null,"alarm":{}}' \
    --set "protocol.recovery.hold_off=50 ms" \
    --set "timing.analysis=$other ms" \
    --set "timing.computation=$other ms" \
    --set "timing.installation=$other ms" \
    --set 'timing.coordination_guard=0,50 ms' \
    --set 'timing.processing.controller=0.01,1 ms' \
    --set 'timing.processing.key_manager=0.01,1 ms' \
    --set 'timing.local_delay=1 ms' \
    --set 'boundaries.border.kind.iwn.kxi1_prime_delay&boundaries.border-2.kind.iwn.kxi1_prime_delay=1 ms' \
    --set 'boundaries.border.site_at&boundaries.border-2.site_at=0.1,0.9' \
    --set 'boundaries.border.site_owner&boundaries.border-2.site_owner=B' \
    --set 'qkdns.A.links.ac-a1.length&qkdns.B.links.bc-b1.length=10,400 km' \
    --set 'faults.cut.fault.duct_cut.cuts_data=true' \
    --set 'demands.a-to-b.arrivals.poisson.rate&demands.b-to-a.arrivals.poisson.rate=5,60 /s' \
    --set 'protocol.reservation=per_hop'

# Loss of control messages: where repetition decides, and few replications say little. Of 20 requests a second the halved
# stores of G1 and I cannot keep promises for as long as repetition takes; of 5 service stands without the cut.
$qkdni sweep "$here/scenario.json:$middle" --gwn-vs-iwn --replications $lossy --out "$runs/lossy" \
    --variants control=$control --variants cut=inside,border --set "channels.control.loss=$loss" \
    --set 'demands.a-to-b.arrivals.poisson.rate&demands.b-to-a.arrivals.poisson.rate=5 /s'

quietly() { "$@" > /dev/null; }
stages() {
    quietly "$@" --metric rerouting_detection_s --metric rerouting_report_s --metric rerouting_analysis_s \
        --metric rerouting_computation_s --metric rerouting_coordination_s --metric rerouting_command_s \
        --metric rerouting_installation_s --metric rerouting_first_key_s --metric rerouting_latency_s \
        --metric service_interruption_s --metric rerouting_messages --metric rerouting_bytes --metric kkrd_s
}
at_the_middle() {
    what=$1
    shift
    quietly $qkdni "$what" "$runs/grid" "$@" --where "hops=$middle" --where "$lengths=80 km" --where "$beats.period=100 ms"
}
mkdir -p "$into/tables" "$into/plots"
stages $qkdni table "$runs/grid" --format csv --out "$into/tables/grid.csv"
stages $qkdni table "$runs/alone" --format csv --out "$into/tables/alone.csv"
at_the_middle table --metric rerouting_latency_s --metric service_interruption_s --metric rerouting_messages \
    --format markdown --out "$into/tables/base.md"
stages at_the_middle table --format markdown --out "$into/tables/stages.md"
quietly $qkdni table "$runs/grid" --metric rerouting_latency_s --format markdown --out "$into/tables/latency.md"
quietly $qkdni table "$runs/grid" --metric service_interruption_s --format markdown --out "$into/tables/interruption.md"
quietly $qkdni table "$runs/alone" --metric rerouting_latency_s --format markdown --out "$into/tables/alone.md"
in_loss() {
    quietly $qkdni table "$runs/lossy" --metric rerouting_latency_s --metric service_interruption_s --metric served_share \
        --metric unrestored_interruptions "$@"
}
in_loss --format markdown --out "$into/tables/lossy.md"
in_loss --format csv --out "$into/tables/lossy.csv"
for cut in inside border; do
    at_the_middle plot --what sweep --metric stages --where cut=$cut --out "$into/plots/stages-$cut.svg"
    for of in $(echo $control | tr , ' '); do
        quietly $qkdni plot "$runs/alone" --what sweep --metric rerouting_latency_s --pair 'G1 vs I' \
            --where control=$of --where cut=$cut --out "$into/plots/alone-$of-$cut.svg"
        quietly $qkdni plot "$runs/grid" --what sweep --metric rerouting_latency_s --pair 'G1 vs I' \
            --where control=$of --where cut=$cut --where "hops=$middle" --into "$into/plots/$of-$cut"
    done
done
cp "$runs/grid/manifest.json" "$into/grid-manifest.json"
cp "$runs/alone/manifest.json" "$into/alone-manifest.json"
cp "$runs/lossy/manifest.json" "$into/lossy-manifest.json"
echo "done: $into"
