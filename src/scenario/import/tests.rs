//! What a topology file may have wrong, and what comes of it.

use super::*;

fn read(text: &str) -> Result<Topology, Diagnostics> {
    import_text("test", "test", text.to_owned(), None)
}

/// The code, line and message of the first finding.
fn first(text: &str) -> (&'static str, usize, String) {
    let findings = read(text).expect_err("it is wrong");
    let first = &findings.0[0];
    (first.code, first.line, first.message.clone())
}

const TRIANGLE: &str = "graph [ node [ id 0 label \"a b\" ] node [ id 1 label \"b&#233;\" ] node [ id 2 ]
  edge [ source 0 target 1 length 12.5 ] edge [ source 1 target 2 dist 10 ]
  edge [ source 0 target 1 ] edge [ source 2 target 2 ] ]";

#[test]
fn gml_is_read_with_lengths_and_what_is_left_out_is_noted() {
    let topology = read(TRIANGLE).expect("fine");
    let ids: Vec<&str> = topology.sites.iter().map(|site| site.id.as_str()).collect();
    assert_eq!(ids, ["a-b", "bé", "2"]);
    let lengths: Vec<Length> = topology.fibres.iter().map(|fibre| fibre.length).collect();
    assert_eq!(lengths, [Length::Fibre(12.5), Length::Straight(10.0)]);
    assert_eq!(topology.notes.len(), 2, "{:?}", topology.notes);
}

#[test]
fn labels_that_are_alike_become_different_ids() {
    let topology =
        read("graph [ node [ id 7 label \"Hub\" ] node [ id 8 label \"Hub\" ] edge [ source 7 target 8 ] ]");
    let ids: Vec<String> = topology
        .expect("fine")
        .sites
        .into_iter()
        .map(|site| site.id)
        .collect();
    assert_eq!(ids, ["Hub-7", "Hub-8"]);
}

#[test]
fn ids_that_are_there_twice_or_lead_nowhere_are_all_found() {
    let text = "graph [\n node [ id 0 ]\n node [ id 0 ]\n node [ id 1 ]\n edge [ source 0 target 9 ]\n]";
    let findings = read(text).expect_err("it is wrong");
    let found: Vec<(&str, usize)> = findings.iter().map(|it| (it.code, it.line)).collect();
    assert_eq!(found, [("duplicate_id", 3), ("unknown_node", 5)]);
}

#[test]
fn a_network_in_pieces_is_refused() {
    let (code, _, message) =
        first("graph [ node [ id 0 ] node [ id 1 ] node [ id 2 ] edge [ source 0 target 1 ] ]");
    assert_eq!(code, "disconnected");
    assert!(
        message.contains("2 pieces") && message.ends_with(": not joined with the rest are 2"),
        "{message}"
    );
}

#[test]
fn malformed_xml_is_found_with_its_line() {
    let (code, line, message) = first("<graphml>\n <graph>\n  <node id=\"1\">\n </graph>\n</graphml>");
    assert_eq!((code, line), ("xml_syntax", 4), "{message}");
    assert_eq!(
        first("<graphml>\n <graph>\n  <node id=\"1\"/>\n").1,
        2,
        "never closed"
    );
    assert_eq!(
        first("<graphml>\n<graph><node id=x/></graph></graphml>").0,
        "xml_syntax"
    );
    assert_eq!(first("<graphml><graph>\n\n&nothing;</graph></graphml>").1, 3);
}

#[test]
fn malformed_gml_is_found_with_its_line() {
    assert_eq!(first("graph [\n node [ id 0 ]\n node [ id 1 \n").0, "gml_syntax");
    assert_eq!(first("graph [\n node [ id 0 ]\n node [ id 1 label \"x ]\n]").1, 3);
    assert_eq!(first("graph [\n node [ id ]\n]").1, 2);
}

#[test]
fn other_files_are_no_topologies() {
    assert_eq!(first("a,b\n1,2\n").0, "unknown_format");
    assert_eq!(first("{\"nodes\": 3}").0, "no_graph");
    assert_eq!(first("<graphml><x/></graphml>").0, "no_graph");
    let named = import_text("test", "test", TRIANGLE.to_owned(), Some("gmll")).expect_err("no such format");
    assert_eq!(named.0[0].hint.as_deref(), Some("did you mean \"gml\"?"));
}

#[test]
fn node_link_demands_come_as_a_list_or_as_a_table() {
    let start = "{\"nodes\": [{\"id\": 1, \"lon\": 5, \"lat\": 50}, {\"id\": 2}], \"edges\": [{\"source\": 1, \"target\": 2}]";
    for demands in [
        "[{\"source\": 2, \"target\": 1, \"value\": 4.5}]",
        "{\"2\": {\"1\": 4.5, \"2\": 7}}",
    ] {
        let topology = read(&format!("{start}, \"demands\": {demands}}}")).expect("fine");
        assert_eq!(
            topology.demands,
            [Asked {
                ends: [1, 0],
                value: 4.5
            }]
        );
        assert_eq!(topology.sites[0].lon_lat, Some([5.0, 50.0]));
    }
    assert_eq!(
        first(&format!("{start}, \"demands\": {{\"2\": {{\"1\": \"much\"}}}}}}")).0,
        "wrong_type"
    );
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    /// Whatever a file becomes, it is read or refused.
    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0_usize..4, at in proptest::prelude::any::<proptest::sample::Index>(), cut in 0_usize..30,
        put in proptest::sample::select(vec!["", "<", "]", "[", "\"", "&", "0", "-", "id", "é", "{", "/>"]),
    ) {
        let file = ["polska.xml", "polska.json", "Sanren.gml", "Abilene.graphml"][which];
        let text = std::fs::read_to_string(format!("tests/data/topologies/{file}")).expect("there");
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        let damaged = format!("{}{put}{}", &text[..start], &text[end..]);
        if let Err(findings) = read(&damaged) {
            proptest::prop_assert!(findings.errors() > 0 && !findings.render().is_empty());
        }
    }
}

#[test]
fn lengths_and_places_that_are_none_are_found() {
    let graph = |node: &str, edge: &str| {
        format!("graph [ node [ id 0 {node} ] node [ id 1 ] edge [ source 0 target 1 {edge} ] ]")
    };
    for edge in [
        "length -5",
        "length 0",
        "length \"12 km\"",
        "length 1000000000",
        "dist -1",
    ] {
        assert_eq!(first(&graph("", edge)).0, "bad_length", "{edge}");
    }
    for node in [
        "Longitude 10.0 Latitude 147.4",
        "lon 181 lat 5",
        "lon \"east\" lat 5",
    ] {
        assert_eq!(first(&graph(node, "length 12.5")).0, "bad_coordinate", "{node}");
    }
    for loss in ["loss_db -1", "loss_db \"2 dB\"", "attenuation_db 1001"] {
        assert_eq!(first(&graph("", loss)).0, "bad_loss", "{loss}");
    }
    let lossy = read(&graph("", "length 12.5 loss_db 3.5")).expect("fine");
    assert_eq!(lossy.fibres[0].loss_db, Some(3.5));
    assert!(read(&graph("Longitude -180.0 Latitude 90", "length 12.5")).is_ok());
    assert!(read(&graph("", "length \"\"")).is_ok());
}
