//! The peers' chains deliver what they must: all requests, and every relay in exactly (N − 1) hop delays.

#[path = "../benches/chains/mod.rs"]
mod chains;

use chains::{AUDITED, Chain};

#[test]
fn key_rate_chains_deliver_every_request_with_the_exact_relay_latency() {
    let chains = Chain::key_rates();
    let keys = chains.each_ref().map(|chain| chain.check(&chain.run(AUDITED)));
    // The same requests at every size: arrivals depend on the demand alone.
    assert_eq!(keys, [keys[0]; 4]);
    // 100 per second for 30 s.
    assert!((2_700..3_300).contains(&keys[0]), "{keys:?}");
}

#[test]
fn qkdnetsim_chains_deliver_all_2500_keys_at_every_size() {
    for nodes in [5, 10, 20, 50] {
        let chain = Chain::qkdnetsim(nodes, 300);
        assert_eq!(chain.check(&chain.run(AUDITED)), 2_500);
    }
}

#[test]
fn qkdnetsim_chains_deliver_ten_keys_a_second_however_long_they_run() {
    for until in [150, 600] {
        let chain = Chain::qkdnetsim(10, until);
        assert_eq!(chain.check(&chain.run(AUDITED)), 10 * (until - 50));
    }
}
